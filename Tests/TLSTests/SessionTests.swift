import Board
import CMbedTLSSSL
import DeviceCrypto
import Foundation
import TestKeys
import TestSupport
import Testing

@testable import TLS

/// A connection of mbedTLS's without a server: what it takes, what it holds back, and what it gives back.
@Suite struct SessionTests {
    /// Who is connected to nobody.
    private struct Nobody: Transport, ~Copyable {
        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {}
        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {}
        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int { 0 }
        mutating func close() {}
    }

    private func transport() throws -> TLSTransport<Nobody> {
        var random = try seededRandom(0x38)
        return try TLSTransport(Nobody(), trust: ServerTrust(), random: &random)
    }

    /// A name of DNS has 253 bytes at most (RFC 1035, 2.3.4).
    @Test(arguments: [(1, true), (253, true), (255, true), (256, false), (257, false), (5000, false)])
    func namesAreAsLongAsDNSHasThem(_ count: Int, _ isTaken: Bool) throws {
        var transport = try transport()
        defer { transport.free() }
        let name = [UInt8](repeating: 0x61, count: count)
        do throws(TransportError) {
            try transport.open(name.span)
            #expect(isTaken)
        } catch {
            #expect(!isTaken && error == .handshakeFailed)
        }
    }

    /// Neither sends nor reads anything of the client's before the server was checked: mbedTLS would shake hands on its own.
    @Test func nothingPassesBeforeTheServerIsChecked() throws {
        var transport = try transport()
        defer { transport.free() }
        try transport.open(Array("localhost".utf8).span)
        let session = try #require(unsafe transport.session)
        var bytes: [UInt8] = [1, 2, 3]
        let written = transport.random.withContext { cmbedtls_ssl_write(session, $0, &bytes, 3) }
        let read = transport.random.withContext { cmbedtls_ssl_read(session, $0, &bytes, 3) }
        #expect(written == MBEDTLS_ERR_SSL_INTERNAL_ERROR && read == MBEDTLS_ERR_SSL_INTERNAL_ERROR)
        #expect(bytes == [1, 2, 3])
        var count = 0
        #expect(cmbedtls_ssl_outgoing(session, &count) == nil && count == 0)
        #expect(cmbedtls_ssl_certificate(session) == nil)
        #expect(cmbedtls_ssl_phase(session) == CMBEDTLS_SSL_GREETING)
        #expect(cmbedtls_ssl_alert(session) == 0 && cmbedtls_ssl_key_failed(session) == 0)
        // The handshake begins with a ClientHello (RFC 8446, 5.1; RFC 5246, 7.4.1.2): a record, as long as it says.
        let status = transport.random.withContext { cmbedtls_ssl_handshake(session, $0) }
        #expect(status == Status.send)
        let hello = try #require(cmbedtls_ssl_outgoing(session, &count))
        #expect(count > 5 && hello[0] == 0x16 && hello[5] == 1 && count == 5 + (Int(hello[3]) << 8 | Int(hello[4])))
        cmbedtls_ssl_sent(session)
        #expect(cmbedtls_ssl_outgoing(session, &count) == nil)
        #expect(transport.random.withContext { cmbedtls_ssl_handshake(session, $0) } == Status.receive)
        #expect(cmbedtls_ssl_incoming(session, &count) != nil && count > 0)
        let capacity = count
        // Who has something to say waits for nothing.
        #expect(cmbedtls_ssl_refuse(session, 42) == Status.send)
        #expect(cmbedtls_ssl_outgoing(session, &count) != nil && cmbedtls_ssl_incoming(session, &count) == nil)
        // Nor does it take what it has no place for: neither bytes it did not ask for, nor more than it asked for.
        cmbedtls_ssl_sent(session)
        cmbedtls_ssl_received(session, 1)
        #expect(
            transport.random.withContext { cmbedtls_ssl_handshake(session, $0) } == MBEDTLS_ERR_SSL_INTERNAL_ERROR)
        #expect(transport.random.withContext { cmbedtls_ssl_handshake(session, $0) } == Status.receive)
        #expect(cmbedtls_ssl_incoming(session, &count) != nil && count == capacity)
        cmbedtls_ssl_received(session, capacity + 1)
        #expect(
            transport.random.withContext { cmbedtls_ssl_handshake(session, $0) } == MBEDTLS_ERR_SSL_INTERNAL_ERROR)
    }

    /// What the ClientHello offers (RFC 5246, 7.4.1.2): the cipher suites that the documentation has, and no session tickets
    /// (RFC 5077, 3.2), since nothing is resumed; the name of the server, but no address (RFC 6066, 3).
    @Test(arguments: [("localhost", true), ("127.0.0.1", false), ("2001:db8::7", false)])
    func whatIsOffered(_ host: String, _ isNamed: Bool) throws {
        var transport = try transport()
        defer { transport.free() }
        try transport.open(Array(host.utf8).span)
        let session = try #require(unsafe transport.session)
        #expect(transport.random.withContext { cmbedtls_ssl_handshake(session, $0) } == Status.send)
        var count = 0
        let start = try #require(cmbedtls_ssl_outgoing(session, &count))
        let hello = Array(UnsafeBufferPointer(start: start, count: count))
        // Behind the headers of record and message, the version, the random bytes and the empty session.
        var position = 5 + 4 + 2 + 32 + 1
        func number() -> Int {
            defer { position += 2 }
            return Int(hello[position]) << 8 | Int(hello[position + 1])
        }
        func numbers() -> [Int] { (0..<(number() / 2)).map { _ in number() } }
        let suites = Set(numbers())
        // The last is no suite, but says that there is no renegotiation (RFC 5746, 3.3).
        let expected: Set = [0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x00FF]
        #expect(suites == expected)
        // And no compression.
        #expect(hello[position] == 1 && hello[position + 1] == 0)
        position += 2
        var extensions: [Int: [Int]] = [:]
        #expect(number() == count - position)
        while position < count {
            let (kind, size) = (number(), number())
            if kind == 10 {
                extensions[kind] = numbers()
            } else {
                extensions[kind] = []
                position += size
            }
        }
        #expect(extensions[10] == [23, 24])
        #expect(extensions[35] == nil && (extensions[0] != nil) == isNamed)
    }

    static let uses = [
        "DER", "base64", "PEM", "no DER", "no base64", "no PEM", "by name", "by address", "with trust", "with a client",
        "with no client",
        "refused", "begun",
    ]

    /// A gateway runs for years, and opens a connection for each message.
    @Test(arguments: uses) func nothingIsKept(_ use: String) throws {
        let keys = try PublicKeys.shared.get()
        let (der, pem) = (try keys.der("root"), try keys.read("root.crt"))
        let base64 = Array(Data(der).base64EncodedString().utf8)
        let list =
            switch use {
            case "DER": der
            case "base64": base64
            case "no DER": Array(der.dropLast(9))
            case "no base64": Array(base64.dropLast(8))
            case "no PEM": Array(pem.dropFirst(9))
            default: pem
            }
        let (name, address) = (Array("localhost".utf8), Array("127.0.0.1".utf8))
        let long = [UInt8](repeating: 0x61, count: 300)
        var transport = try transport()
        let kept = try heapKept {
            if use.hasPrefix("no ") {
                #expect(throws: CryptoError.invalidKey) { try transport.trust.add(certificates: list.span) }
            } else if !use.hasPrefix("by ") {
                try transport.trust.add(certificates: list.span)
            }
            if use == "with a client" {
                var place: UInt8 = 0
                transport.identity = unsafe try ClientIdentity(
                    certificate: der.span, algorithm: .p256, signatureSize: 72, key: &place,
                    sign: { _, _, _, _, _, _, _ in -1 })
            }
            if use == "with no client" {
                var place: UInt8 = 0
                #expect(throws: CryptoError.invalidKey) {
                    transport.identity = unsafe try ClientIdentity(
                        certificate: name.span, algorithm: .p256, signatureSize: 72, key: &place,
                        sign: { _, _, _, _, _, _, _ in -1 })
                }
            }
            switch use {
            case "by name", "with trust", "with a client": try transport.open(name.span)
            case "by address": try transport.open(address.span)
            case "refused":
                #expect(throws: TransportError.handshakeFailed) { try transport.open(long.span) }
            case "begun":
                try transport.open(name.span)
                let session = try #require(unsafe transport.session)
                #expect(transport.random.withContext { cmbedtls_ssl_handshake(session, $0) } == Status.send)
            default: break
            }
            transport.close()
            transport.trust.free()
            transport.identity?.free()
        }
        // Less than the smallest block.
        #expect(kept < 16, "bytes each time")
    }

    /// As many as there are in the list by then; of what cannot be read, none.
    @Test func certificatesAreCounted() throws {
        let keys = try PublicKeys.shared.get()
        var list: OpaquePointer?
        defer { cmbedtls_certificates_free(list) }
        for (bytes, count) in try [(keys.der("root"), 1), (keys.read("bundle.pem"), 3), (keys.der("self"), 4)] {
            let counted = cmbedtls_certificates_add(&list, bytes, bytes.count)
            #expect(counted == count)
        }
        #expect(cmbedtls_certificates_add(&list, [0x30], 1) < 0 && cmbedtls_certificates_add(&list, [], 0) < 0)
    }

    /// Base64 and PEM are copied; of more than there is memory for, not a byte is read.
    @Test(arguments: ["MI", "--"]) func aListThatDoesNotFit(_ begin: String) {
        var list: OpaquePointer?
        defer { cmbedtls_certificates_free(list) }
        let status = cmbedtls_certificates_add(&list, Array(begin.utf8), 1 << 62)
        #expect(status == MBEDTLS_ERR_X509_ALLOC_FAILED)
    }

    /// What signs is told the digest, and says how long the signature is; whatever is not as it should be signs nothing.
    @Test func aKeySignsWhatItIsGiven() throws {
        var random = try seededRandom(0x39)
        var key = try ECPrivateKey.generate(curve: .p256, random: &random)
        var point = [UInt8](repeating: 0, count: 65)
        do {
            var buffer = point.mutableSpan
            _ = try key.publicKey(into: &buffer)
        }
        let digest = Hash.digest(.sha256, of: point.span)
        var bytes = digest.bytes.array
        var signature = [UInt8](repeating: 0, count: 72)
        var size = 0
        let status = unsafe ClientIdentity.signature(
            with: &key, random: &random, DigestAlgorithm.sha256.rawValue, &bytes, 32, &signature, 72, &size)
        #expect(status == 0 && size > 60)
        try ECPublicKey.verify(
            curve: .p256, point: point.span, digest: digest, signature: signature.span.extracting(first: size))
        for (algorithm, count, capacity) in [(0, 32, 72), (9, 32, 72), (2, 31, 72), (3, 32, 72), (2, 32, 71)]
            as [(UInt8, Int, Int)]
        {
            size = 0
            let status = unsafe ClientIdentity.signature(
                with: &key, random: &random, algorithm, &bytes, count, &signature, capacity, &size)
            #expect(status == -1 && size == 0, "\(algorithm), \(count), \(capacity)")
        }
        let statuses = unsafe [
            ClientIdentity.signature(with: &key, random: &random, 2, nil, 32, &signature, 72, &size),
            ClientIdentity.signature(with: &key, random: &random, 2, &bytes, 32, nil, 72, &size),
            ClientIdentity.signature(with: &key, random: &random, 2, &bytes, 32, &signature, 72, nil),
        ]
        #expect(statuses == [-1, -1, -1])
    }
}
