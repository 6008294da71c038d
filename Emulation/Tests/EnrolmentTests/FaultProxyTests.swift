import Emulator
import FaultProxy
import EmulationTestSupport
import Foundation
import Interference
import TestSupport
import Testing

/// The stand-ins are tested too: a fault that never reaches the device would prove nothing.
@Suite struct FaultProxyTests {
    func get(_ operation: String, from port: UInt16, limit: Int = 20) throws -> [UInt8] {
        let request = "GET /scep?operation=\(operation) HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
        return try Socket.exchange(Array(request.utf8), port: port, limit: limit)
    }

    @Test func realServerAnswersThroughIt() async throws {
        try await withTemporaryDirectory { folder in
            try await SCEPServer.run(in: folder) { server in
                let impostor = try FaultProxy(upstream: server.port) { Delivery(try $1.forward($0)) }
                defer { impostor.stop() }
                let capabilities = parts(of: try get("GetCACaps", from: impostor.port)).body
                #expect(String(decoding: capabilities, as: UTF8.self).contains("POSTPKIOperation"))
                #expect(parts(of: try get("GetCACert", from: impostor.port)).body == [UInt8](server.root))
            }
        }
    }

    @Test func answersAreWhatTheyAreMeantToBe() throws {
        let whole = Array("HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n0123456789".utf8)
        let impostor = try FaultProxy { request, _ in
            switch request.operation {
            case .getCACaps: Delivery(whole.dropLast(3))
            case .getCACert: Delivery(whole.dropLast(3), end: .reset)
            case .getNextCACert: Delivery(whole, end: .silence)
            default: Delivery(whole)
            }
        }
        defer { impostor.stop() }
        #expect(try get("PKIOperation", from: impostor.port) == whole)
        #expect(try get("GetCACaps", from: impostor.port) == whole.dropLast(3))
        #expect(throws: Socket.End.reset) { try get("GetCACert", from: impostor.port) }
        #expect(throws: Socket.End.timedOut) { try get("GetNextCACert", from: impostor.port, limit: 1) }
    }

    /// The command, as somebody uses it who has a server that misbehaves on some days.
    @Test func commandDoesWhatItsRulesSay() async throws {
        let page = Array("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc".utf8)
        let server = try FaultProxy { _, _ in Delivery(page) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let command = Program(
                executable: product("fault-proxy"),
                arguments: ["--upstream", "\(server.port)", "--do", "cut-10@GetCACert", "--do", "html#3"],
                folder: folder, origin: "swift build --product fault-proxy")
            _ = try await command.run(timeLimit: .hang) { running in
                let line = try await running.line(containing: "port ")
                let port = try #require(UInt16(line.text.dropFirst("port ".count)))
                #expect(try get("GetCACaps", from: port) == page)
                #expect(try get("GetCACert", from: port) == Array(page[..<10]))
                #expect(try String(decoding: get("GetCACaps", from: port), as: UTF8.self).contains("<html>"))
                try await running.line(containing: "3 GetCACaps html")
            }
            let wrong = Program(
                executable: product("fault-proxy"), arguments: ["--upstream", "9", "--do", "sideways"], folder: folder,
                origin: "swift build --product fault-proxy")
            #expect(try await wrong.run(timeLimit: .hang) { try await $0.end() }.ending == .exited(64))
        }
    }

    @Test func reservedPortsRefuseAndAreSilent() throws {
        let refusing = try ReservedPort(.refusing)
        #expect(!accepts(refusing.number))
        #expect(throws: Socket.End.refused) { try get("GetCACaps", from: refusing.number) }
        let silent = try ReservedPort(.silent)
        #expect(accepts(silent.number))
        #expect(throws: Socket.End.timedOut) { try get("GetCACaps", from: silent.number, limit: 1) }
    }
}
