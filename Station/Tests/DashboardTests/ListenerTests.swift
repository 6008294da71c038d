import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

@testable import Dashboard

@Suite("Clients that mean no good")
struct ListenerTests {
    private static func withListener(
        _ limits: Listener.Limits = Listener.Limits(), _ body: @escaping @Sendable (UInt16) throws -> Void
    ) async throws {
        let listener = try Listener(Address(loopbackPort: 0), limits: limits) { head in
            Answer(.ok, text: "\(head.path) \(head.query.sorted { $0.key < $1.key })")
        }
        try await blocking { try body(listener.port) }
        await listener.stop()
    }

    /// Each sends a byte or two and then nothing; a thousand of them are more than there is place for.
    @Test func aThousandThatWaitKeepNobodyOut() async throws {
        // So long that none of them is let go for its slowness.
        try await Self.withListener(Listener.Limits(connections: 16, seconds: 600)) { port throws in
            let program = """
                import socket, sys, time, resource
                resource.setrlimit(resource.RLIMIT_NOFILE, (2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
                port = int(sys.argv[1])
                held = []
                for number in range(1000):
                    connection = socket.create_connection(("127.0.0.1", port))
                    # On a busy machine it may be let go before it has said anything.
                    try: connection.sendall(b"GET" if number % 2 else b"")
                    except ConnectionError: pass
                    held.append(connection)
                # It has a place as soon as those that made way are gone.
                reply = b""
                for attempt in range(600):
                    last = socket.create_connection(("127.0.0.1", port))
                    try:
                        last.sendall(b"GET /here HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                        while part := last.recv(4096): reply += part
                    except ConnectionError: pass
                    if reply: break
                    time.sleep(0.1)
                # All but the last few were let go.
                gone = 0
                for connection in held[:984]:
                    try: gone += connection.recv(1) == b""
                    except ConnectionError: gone += 1
                print(reply.split()[1].decode(), gone)
                """
            let output = try runProgram("/usr/bin/python3", ["-c", program, "\(port)"]).output
            #expect(String(decoding: output, as: UTF8.self) == "200 984\n")
        }
    }

    /// The ledger's server is away, and everybody waits for a page: that takes no more descriptors than are this dashboard's.
    @Test func whileNoPageIsMadeThereIsAnEndToThoseWhoWait() async throws {
        let isBack = DispatchSemaphore(value: 0)
        let limits = Listener.Limits(connections: 8, seconds: 600)
        let listener = try Listener(Address(loopbackPort: 0), limits: limits) { _ in
            isBack.wait()
            isBack.signal()
            return Answer(.ok, text: "page")
        }
        let port = listener.port
        let output = try await blocking {
            let program = """
                import select, socket, sys
                waiting, closed = [], 0
                for _ in range(200):
                    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                    connection.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                    waiting.append(connection)
                while len(waiting) > 16:
                    for connection in select.select(waiting, [], [])[0]: waiting.remove(connection)
                print("ended")
                """
            return try runProgram("/usr/bin/python3", ["-c", program, "\(port)"]).output
        }
        #expect(String(decoding: output, as: UTF8.self) == "ended\n")
        isBack.signal()
        await listener.stop()
    }

    @Test func aClientThatIsTooSlowIsLetGo() async throws {
        try await Self.withListener(Listener.Limits(connections: 4, seconds: 0.2)) { port throws in
            let reply = try Client.send([UInt8]("GET / HTTP/1.1\r\nHost:".utf8), to: port)
            #expect(reply == "")
        }
    }

    @Test(arguments: [
        ("GET /\r\n\r\n", "400"), ("\r\n\r\n", "400"), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost a\r\n\r\n", "400"), ("GET / HTTP/1.1\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "400"), ("GET /?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /?a=%+1 HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET /?a=%ff HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /?a=%e HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("GET /a?b=c+d%20e&f HTTP/1.0\r\nhost:\ta \r\n\r\n", "200"),
    ])
    func requests(text: String, status: String) async throws {
        try await Self.withListener { port throws in
            let reply = try Client.send([UInt8](text.utf8), to: port)
            #expect(reply.hasPrefix("HTTP/1.1 \(status) "))
        }
    }

    @Test func aHeadThatDoesNotEndIsRefused() async throws {
        try await Self.withListener { port throws in
            let long = [UInt8]("GET /".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
            #expect(try Client.send(long, to: port).hasPrefix("HTTP/1.1 431 "))
            let many = "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 100_000)
            #expect(try Client.send([UInt8](many.utf8), to: port).hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func aHeadThatComesByteByByteIsRead() async throws {
        try await Self.withListener { port throws in
            let program = """
                import socket, sys
                connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in b"GET /here?x=1 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n": connection.sendall(bytes([byte]))
                reply = b""
                while part := connection.recv(4096): reply += part
                sys.stdout.buffer.write(reply)
                """
            let output = try runProgram("/usr/bin/python3", ["-c", program, "\(port)"]).output
            #expect(String(decoding: output, as: UTF8.self).hasSuffix("\r\n\r\n/here [(key: \"x\", value: \"1\")]\n"))
        }
    }

    @Test func aPortThatIsTakenIsSaid() async throws {
        try await Self.withListener { port throws in
            #expect(throws: DashboardError.self) {
                try Listener(Address(loopbackPort: port)) { _ in Answer(.ok, text: "") }
            }
        }
    }
}
