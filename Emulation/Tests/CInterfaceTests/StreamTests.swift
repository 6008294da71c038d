import Authority
import AuthorityServer
import Board
import CSCEP
import EmulationTestSupport
import Foundation
import LinuxBoard
import TestSupport
import Testing

/// A main loop with a stream of bytes of its own, such as a modem's.
@Suite struct StreamTests {
    /// Sends a request by a socket, and gives what comes of the reply piece by piece.
    private struct Stream {
        var size = 4096
        /// Of a reply, after which the stream ends.
        var limit = Int.max

        func exchange(_ device: CDevice, _ want: scep_want) throws -> scep_status {
            let clock = SystemClock()
            let deadline = clock.uptime + 60_000
            var tcp = TCP(clock: clock)
            defer { tcp.close() }
            let host = Array(UnsafeRawBufferPointer(start: want.host, count: want.host_size))
            try tcp.connect(host: host.span, port: want.port, deadline: deadline)
            var head = [UInt8](repeating: 0, count: want.head_size + 1)
            #expect(scep_head(device.agent, &head, want.head_size - 1) == SCEP_TOO_SMALL)
            #expect(head.allSatisfy { $0 == 0 }, "nothing is written in part")
            #expect(scep_head(device.agent, &head, head.count) == SCEP_OK && head.removeLast() == 0)
            try tcp.send(head.span, deadline: deadline)
            if want.body_size > 0 {
                try tcp.send(Span(_unsafeStart: want.body.unsafelyUnwrapped, count: want.body_size), deadline: deadline)
            }
            var piece = [UInt8](repeating: 0, count: size)
            var left = limit
            var status = scep_status(SCEP_AGAIN)
            while status == SCEP_AGAIN {
                var span = piece.mutableSpan
                let count = min(try tcp.receive(into: &span, deadline: deadline), left)
                left -= count
                status = scep_receive(device.agent, piece, count)
            }
            return status
        }

        func drive(_ device: CDevice) throws -> scep_status {
            while true {
                var want = scep_want()
                var status = scep_step(device.agent, &want)
                guard status == SCEP_OK else { return status }
                switch want.task {
                case SCEP_READY: return scep_status(SCEP_OK)
                case SCEP_SLEEP: return scep_status(SCEP_AGAIN)
                case SCEP_SEND: status = try exchange(device, want)
                default: status = scep_go_on(device.agent)
                }
                guard status == SCEP_OK else { return status }
            }
        }
    }

    private func withServer(
        _ configure: (inout CAConfiguration) -> Void = { _ in },
        _ body: (AuthorityServer, CDevice) async throws -> Void
    ) async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .shared("line")
        configure(&configuration)
        let server = try await AuthorityServer(try Authority(configuration))
        let device = CDevice(
            """
            url=\(server.url)
            fingerprint=\(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
            subject=CN=stream
            challenge=line
            challenge-use=always
            key=p256
            retries=0
            """)
        #expect(device.start() == SCEP_OK)
        try await body(server, device)
        await server.stop()
    }

    @Test(arguments: [1, 7, 4096], [false, true])
    func aReplyComesInPieces(size: Int, isGet: Bool) async throws {
        try await withServer {
            if isGet {
                ($0.profile.capabilities, $0.profile.post) = (["SHA-256", "AES", "SCEPStandard"], .status(405))
            }
        } _: { server, device in
            let status = try Stream(size: size).drive(device)
            #expect(status == SCEP_OK, "\(device.error)")
            let issued = server.authority.issuedCertificates()
            #expect(issued.count == 1)
            #expect(
                try device.certificate
                    == issued.first.flatMap { try server.authority.issuedCertificate(serial: $0.serial) }
                    .map { [UInt8]($0.der) })
        }
    }

    /// Wherever the stream ends, there is a reason, and no wait without an end.
    @Test(arguments: [0, 5, 20, 60, 150])
    func aStreamThatEndsTooEarly(limit: Int) async throws {
        try await withServer { _, device in
            let status = try Stream(limit: limit).drive(device)
            #expect(status != SCEP_OK)
            #expect(!device.kind.isEmpty, "\(limit): \(device.error)")
        }
    }

    @Test func whatDoesNotBelongThere() async throws {
        try await withServer { _, device in
            var byte: [UInt8] = [0x48]
            #expect(scep_receive(device.agent, byte, 1) == SCEP_USAGE, "nothing was sent")
            #expect(scep_head(device.agent, &byte, 1) == SCEP_USAGE)
            var want = scep_want()
            #expect(scep_step(device.agent, &want) == SCEP_OK && want.task == SCEP_SEND)
            #expect(scep_receive(device.agent, nil, 1) == SCEP_USAGE)
            #expect(scep_receive(device.agent, device.workSpace.baseAddress, 1) == SCEP_USAGE)
            #expect(scep_head(device.agent, nil, 100) == SCEP_USAGE)
            // The first piece; from there on the reply is this stream's.
            #expect(scep_receive(device.agent, byte, 1) == SCEP_AGAIN)
            var reply = scep_http_reply()
            reply.status = 200
            #expect(scep_reply(device.agent, &reply) == SCEP_USAGE)
            var head = [UInt8](repeating: 0, count: want.head_size)
            #expect(scep_head(device.agent, &head, head.count) == SCEP_USAGE)
            // It broke: said and tried again, or the reason.
            #expect(scep_no_reply(device.agent, Int32(SCEP_TIMED_OUT)) != SCEP_USAGE)
        }
    }

    /// A server that refuses a request unread says why, and breaks the stream.
    @Test func aRefusalBeforeAReset() async throws {
        try await withServer { _, device in
            var want = scep_want()
            #expect(scep_step(device.agent, &want) == SCEP_OK)
            let capabilities = Array("HTTP/1.0 200 OK\r\n\r\nSHA-256\nAES\nPOSTPKIOperation\n".utf8)
            #expect(scep_receive(device.agent, capabilities, capabilities.count) == SCEP_AGAIN)
            #expect(scep_receive(device.agent, nil, 0) == SCEP_OK)
            #expect(scep_step(device.agent, &want) == SCEP_OK && want.task == SCEP_SEND)
            let refusal = Array("HTTP/1.0 403 Forbidden\r\nContent-Length: 100\r\n\r\nno".utf8)
            #expect(scep_receive(device.agent, refusal, refusal.count) == SCEP_AGAIN)
            #expect(scep_no_reply(device.agent, Int32(SCEP_RESET)) == SCEP_AGAIN)
            #expect(device.error.contains("403"), "\(device.error)")
        }
    }
}
