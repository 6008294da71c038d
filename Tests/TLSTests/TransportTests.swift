import Board
import CMbedTLSSSL
import DeviceCrypto
import HTTP
import LinuxBoard
import TestKeys
import TestSupport
import Testing

@testable import TLS

/// The transport over another one, and what becomes of that.
@Suite struct TransportTests {
    /// This machine, by whatever name it is called.
    private struct Local: Transport, ~Copyable {
        final class Journal {
            var hosts: [String] = []
            var isOpen = false
            var deadlines: [UInt64] = []
            var notes: [String] = []
            /// What a receive says beyond what it stored.
            var excess = 0
        }

        var tcp = TCP(clock: SystemClock())
        let journal: Journal

        init(_ journal: Journal) {
            self.journal = journal
        }

        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
            journal.hosts.append(String(decoding: host.array, as: UTF8.self))
            let address = Array("127.0.0.1".utf8)
            try tcp.connect(host: address.span, port: port, deadline: deadline)
            journal.isOpen = true
        }

        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
            journal.deadlines.append(deadline)
            try tcp.send(bytes, deadline: deadline)
        }

        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int {
            let capacity = buffer.count
            let count = try tcp.receive(into: &buffer, deadline: deadline)
            return journal.excess == 0 ? count : capacity + journal.excess
        }

        mutating func note(time: Int64?, isExact: Bool) {
            journal.notes.append("\(time ?? -1), \(isExact)")
        }

        mutating func close() {
            journal.isOpen = false
            tcp.close()
        }
    }

    private let journal = Local.Journal()
    private var deadline: UInt64 { SystemClock().uptime + 60_000 }

    private func transport(trusting certificates: [UInt8]) throws -> TLSTransport<Local> {
        var random = try seededRandom(0x36)
        var trust = ServerTrust()
        try trust.add(certificates: certificates.span)
        return try TLSTransport(Local(journal), trust: trust, random: &random)
    }

    private func connect(_ transport: inout TLSTransport<Local>, to url: String) throws -> TransportError? {
        let bytes = Array(url.utf8)
        let address = try ServerURL(bytes.span)
        do throws(TransportError) {
            try transport.connect(to: address, deadline: deadline)
            return nil
        } catch {
            return error
        }
    }

    /// What asks for `https` asks this first.
    @Test func itSaysThatItSecures() { #expect(TLSTransport<Local>.isSecuring && !Local.isSecuring) }

    /// A driver that claims more than there was space for, once it is inside of a session's memory.
    @Test(arguments: [1, 1 << 20]) func aTransportThatClaimsTooMuchIsABrokenOne(excess: Int) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ipv6", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        journal.excess = excess
        #expect(try connect(&transport, to: "https://[2001:db8::7]:\(peer.port)/") == .reset)
        transport.free()
    }

    /// Matched by all sixteen bytes (RFC 5280, 4.2.1.6), as those of the certificate that the connection is to.
    @Test func addressesOfIPv6AreMatched() throws {
        let keys = try PublicKeys.shared.get()
        for (host, error) in [("[2001:db8::7]", nil), ("[2001:db8::8]", .certificateOfOtherHost)]
            as [(String, TransportError?)]
        {
            let peer = try Peer(openssl: ["-www"] + keys.showing("ipv6", key: "ec"))
            var transport = try transport(trusting: keys.read("bundle.pem"))
            #expect(try connect(&transport, to: "https://\(host):\(peer.port)/") == error)
            transport.free()
        }
        #expect(journal.hosts == ["2001:db8::7", "2001:db8::8"])
    }

    /// A server that is not the right one hears no more, and nothing stays open to it.
    @Test func aRefusedServerIsLeft() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("self", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        #expect(try connect(&transport, to: "https://localhost:\(peer.port)/") == .certificateUntrusted)
        #expect(!journal.isOpen)
        let isForgotten = unsafe transport.session == nil
        #expect(isForgotten)
    }

    /// One transport serves `http` and `https` in turn: what is in the clear is not sent through the stream of before.
    @Test(arguments: [true, false]) func aStreamInTheClearFollowsASecuredOne(byURL: Bool) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        #expect(try connect(&transport, to: "https://localhost:\(peer.port)/") == nil)
        let (host, request) = (Array("localhost".utf8), Array("GET / HTTP/1.0\r\n\r\n".utf8))
        let port = try answer("in the clear")
        if byURL {
            #expect(try connect(&transport, to: "http://localhost:\(port)/") == nil)
        } else {
            try transport.connect(host: host.span, port: port, deadline: deadline)
        }
        try transport.send(request.span, deadline: deadline)
        var reply = [UInt8](repeating: 0, count: 100)
        var buffer = reply.mutableSpan
        let count = try transport.receive(into: &buffer, deadline: deadline)
        #expect(String(decoding: reply.prefix(count), as: UTF8.self) == "in the clear")
        transport.free()
        #expect(!journal.isOpen)
    }

    /// The end of the stream takes no longer than what was last asked for.
    @Test(arguments: ["connect", "send", "receive"]) func closingKeepsToTheLastDeadline(_ last: String) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        let begin = deadline
        let (url, request) = (Array("https://localhost:\(peer.port)/".utf8), Array("GET / HTTP/1.0\r\n\r\n".utf8))
        try transport.connect(to: ServerURL(url.span), deadline: begin)
        if last != "connect" { try transport.send(request.span, deadline: begin + 1) }
        if last == "receive" {
            var reply = [UInt8](repeating: 0, count: 1)
            var buffer = reply.mutableSpan
            #expect(try transport.receive(into: &buffer, deadline: begin + 2) == 1)
        }
        let before = journal.deadlines.count
        transport.close()
        let expected = ["connect": begin, "send": begin + 1, "receive": begin + 2]
        #expect(Array(journal.deadlines.dropFirst(before)) == [expected[last]])
        #expect(!journal.isOpen)
        transport.free()
    }

    /// Pieces that are as long as each other look the same to whoever moves them.
    @Test func everyPieceIsSent() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        #expect(try connect(&transport, to: "https://localhost:\(peer.port)/") == nil)
        let request = Array("GET / HTTP/1.0\r\n\r\n".utf8)
        for start in stride(from: 0, to: request.count, by: 2) {
            try transport.send(request.span.extracting(start..<(start + 2)), deadline: deadline)
        }
        var reply = [UInt8](repeating: 0, count: 12)
        var buffer = reply.mutableSpan
        let count = try transport.receive(into: &buffer, deadline: deadline)
        #expect(String(decoding: reply.prefix(count), as: UTF8.self).hasPrefix("HTTP/1.0 200"))
        transport.free()
    }

    /// Bytes are waited for only where mbedTLS needs some: not where it has them already, nor where it has to send.
    @Test func nothingIsWaitedForThatIsNotNeeded() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: keys.showing("ec", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        #expect(try connect(&transport, to: "https://localhost:\(peer.port)/") == nil)
        try peer.say("hello\n")
        var bytes = [UInt8](repeating: 0, count: 1)
        do {
            var buffer = bytes.mutableSpan
            #expect(try transport.receive(into: &buffer, deadline: deadline) == 1)
        }
        let session = try #require(unsafe transport.session)
        func read() -> Int32 { transport.random.withContext { cmbedtls_ssl_read(session, $0, &bytes, 1) } }
        var count = 0
        for letter in "ello\n".utf8 {
            #expect(read() == 1 && bytes == [letter])
            #expect(cmbedtls_ssl_incoming(session, &count) == nil)
        }
        #expect(read() == Status.receive)
        #expect(cmbedtls_ssl_incoming(session, &count) != nil)
        #expect(transport.random.withContext { cmbedtls_ssl_write(session, $0, [1], 1) } == Status.send)
        #expect(cmbedtls_ssl_incoming(session, &count) == nil)
        try transport.flush(session, deadline)
        #expect(transport.random.withContext { cmbedtls_ssl_write(session, $0, [1], 1) } == 1)
        #expect(read() == Status.receive)
        #expect(cmbedtls_ssl_close_notify(session) == Status.send)
        #expect(cmbedtls_ssl_incoming(session, &count) == nil)
        transport.free()
    }

    /// What is below may need it too.
    @Test func theTimeIsHandedDown() throws {
        var transport = try transport(trusting: PublicKeys.shared.get().read("bundle.pem"))
        transport.note(time: 7, isExact: true)
        transport.note(time: nil, isExact: false)
        #expect(journal.notes == ["7, true", "-1, false"])
        transport.free()
    }

    /// With a server that wants a certificate: one whose key does not sign is a fault of the client's own.
    @Test func aKeyThatDoesNotSignIsTold() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www", "-Verify", "3", "-verify_return_error", "-CAfile", keys.path("root.crt")]
                + keys.showing("ec", key: "ec"))
        var transport = try transport(trusting: keys.read("bundle.pem"))
        let certificate = try keys.der("client-ec")
        var place: UInt8 = 0
        unsafe transport.identity = try withUnsafeMutablePointer(to: &place) { place in
            unsafe try ClientIdentity(
                certificate: certificate.span, algorithm: .p256, signatureSize: 72, key: UnsafeMutableRawPointer(place),
                sign: { _, _, _, _, _, _, _ in -1 })
        }
        #expect(try connect(&transport, to: "https://localhost:\(peer.port)/") == .identityFailed)
        #expect(!journal.isOpen)
        transport.free()
        let isFreed = unsafe transport.identity?.certificates == nil && transport.trust.anchors == nil
        #expect(isFreed)
    }

    /// By its number (RFC 5246, 7.2.2), and by when it comes: as the answer to the ClientHello, in between, or after all that is
    /// the client's part.
    @Test(
        arguments: [
            (40, .noCommonProtocol, .handshakeRefused, .identityRefused), (41, nil, nil, nil),
            (42, .identityRefused, .identityRefused, .identityRefused),
            (46, .identityRefused, .identityRefused, .identityRefused), (47, nil, nil, nil),
            (48, .identityRefused, .identityRefused, .identityRefused),
            (49, .identityRefused, .identityRefused, .identityRefused), (50, nil, nil, nil),
            (70, .noCommonProtocol, .noCommonProtocol, .noCommonProtocol),
            (71, .noCommonProtocol, .noCommonProtocol, .noCommonProtocol), (80, nil, nil, nil),
        ] as [(UInt8, TransportError?, TransportError?, TransportError?)])
    func whatAnAlertSays(
        _ alert: UInt8, _ greeting: TransportError?, _ between: TransportError?, _ late: TransportError?
    ) {
        #expect(TransportError(alert: alert, isGreeting: true, isLate: false) == greeting ?? .handshakeRefused)
        #expect(TransportError(alert: alert, isGreeting: false, isLate: false) == between ?? .handshakeRefused)
        #expect(TransportError(alert: alert, isGreeting: false, isLate: true) == late ?? .handshakeRefused)
    }

    /// Only a board that ran out of memory is told so: the causes are mended in different ways.
    @Test(arguments: [
        (MBEDTLS_ERR_SSL_ALLOC_FAILED, true), (MBEDTLS_ERR_X509_ALLOC_FAILED, true),
        (MBEDTLS_ERR_MPI_ALLOC_FAILED, true), (MBEDTLS_ERR_ECP_BAD_INPUT_DATA + MBEDTLS_ERR_MPI_ALLOC_FAILED, true),
        (MBEDTLS_ERR_X509_INVALID_FORMAT, false), (MBEDTLS_ERR_SSL_INVALID_RECORD, false),
        (MBEDTLS_ERR_MPI_BAD_INPUT_DATA, false), (0, false), (1, false),
    ])
    func memoryThatRanOutIsToldApart(_ status: Int32, _ isIt: Bool) { #expect(isOutOfMemory(status) == isIt) }

    /// A client that cannot show what it was given is not half a client.
    @Test func certificatesThatCannotBeReadAreRefused() throws {
        var key: UInt8 = 0
        let garbage = Array("no certificate".utf8)
        unsafe withUnsafeMutablePointer(to: &key) { key in
            do throws(CryptoError) {
                var identity = unsafe try ClientIdentity(
                    certificate: garbage.span, algorithm: .p256, signatureSize: 72, key: UnsafeMutableRawPointer(key),
                    sign: { _, _, _, _, _, _, _ in -1 })
                identity.free()
                Issue.record("it was taken")
            } catch {
                #expect(error == .invalidKey)
            }
        }
    }

    /// As many pins as there is space for, and not one is left out in silence.
    @Test(arguments: [(0, false), (1, true), (8, true), (9, false)]) func pinsAreCounted(_ count: Int, _ areTaken: Bool)
    {
        let pins = (0..<count).map { String(repeating: "\($0)", count: 64) }.joined(separator: ",")
        let bytes = Array(pins.utf8)
        var trust = ServerTrust()
        let isTaken: Bool
        do throws(CryptoError) {
            try trust.add(pins: bytes.span)
            isTaken = true
        } catch {
            isTaken = false
        }
        #expect(isTaken == areTaken)
    }

    /// What a device was told to trust and cannot be used is said at once.
    @Test(arguments: [("", "", true), ("00", "", false), ("", "AAAA", false), ("nothing", "", false)])
    func whatCannotBeTrustedIsTold(_ pins: String, _ certificate: String, _ isGood: Bool) throws {
        var random = try seededRandom(0x36)
        var transport = try TLSTransport(Local(journal), trust: ServerTrust(), random: &random)
        let (pins, certificate) = (Array(pins.utf8), Array(certificate.utf8))
        let isTaken = transport.trust(pins: pins.span, certificate: certificate.span)
        #expect(isTaken == isGood)
        transport.free()
    }
}
