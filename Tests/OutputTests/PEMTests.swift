import TestSupport
import Testing

@testable import Output

/// Text with structures in base64 (RFC 7468), both ways with openssl.
@Suite struct PEMTests {
    private func blocks(_ text: String) throws -> [PEM.Block] { try blocks(Array(text.utf8)) }

    private func blocks(_ text: [UInt8]) throws -> [PEM.Block] { try PEM.blocks(text.span) }

    @Test func ourTextIsOpensslsToTheByte() throws {
        let pem = try OpenSSLIdentity.authority.certificate
        var text: [UInt8] = []
        let der = try OpenSSLIdentity.authority.der
        PEM.write("CERTIFICATE", der.span, to: &text)
        #expect(text == pem)
    }

    @Test(arguments: [1, 2, 3, 47, 48, 49, 95, 96, 97, 5000]) func everySizeComesBack(size: Int) throws {
        var random = SeededGenerator(seed: UInt64(size))
        let bytes = random.bytes(size)
        var text: [UInt8] = []
        PEM.write("X509 CRL", bytes.span, to: &text)
        let body = String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst().dropLast()
        #expect(body.allSatisfy { $0.count <= 64 })
        let checked = try OpenSSL.run(["base64", "-d"], input: Array((body.joined(separator: "\n") + "\n").utf8))
        #expect(checked == bytes)
        let blocks = try self.blocks(text)
        #expect(blocks.count == 1 && blocks[0].bytes == bytes && blocks[0].isLabelled("X509 CRL"))
    }

    @Test func aFileMayExplainAndHaveManyBlocksAndAnyLineEnds() throws {
        let first = try OpenSSLIdentity.authority
        let second = try OpenSSLIdentity.recipient
        let explained = try OpenSSL.run(["x509", "-text"], input: first.certificate)
        let crlf = second.certificate.flatMap { $0 == 0x0A ? [0x20, 0x0D, 0x0A] : [$0] }
        let key = Array(String(decoding: second.key, as: UTF8.self).dropLast(1).utf8)
        let text = explained + Array("\nand then\n\t".utf8) + crlf + key
        let isIn = PEM.isIn(text.span)
        #expect(isIn)
        let blocks = try self.blocks(text)
        #expect(
            blocks.map { String(decoding: $0.label, as: UTF8.self) } == ["CERTIFICATE", "CERTIFICATE", "PRIVATE KEY"])
        #expect(blocks.map(\.bytes).prefix(2) == [first.der, second.der])
        // With a byte order mark in front.
        let marked = [0xEF, 0xBB, 0xBF] + first.certificate
        let isInMarked = PEM.isIn(marked.span)
        #expect(isInMarked)
        #expect(try self.blocks(marked)[0].bytes == first.der)
        // In one long line.
        let long = "-----BEGIN A-B-----\n" + String(repeating: "QUJD", count: 1000) + "\n-----END A-B-----"
        #expect(try self.blocks(long)[0].bytes.count == 3000)
        #expect(try self.blocks("").isEmpty)
        #expect(try self.blocks("nothing\n-- here --").isEmpty)
        // Blanks at its end, without a line's.
        for end in [" ", "\n \t", "\n\r"] { #expect(try self.blocks("nothing" + end).isEmpty) }
    }

    @Test func headersOfOldAreToldApart() throws {
        let text = try OpenSSL.run(
            ["rsa", "-traditional", "-aes128", "-passout", "pass:secret"], input: TestKey.rsa.pem)
        let blocks = try self.blocks(text)
        #expect(blocks.count == 1 && blocks[0].hasHeaders && blocks[0].isLabelled("RSA PRIVATE KEY"))
    }

    private static let refused: [(String, PEM.Failure.Kind, Int)] = [
        ("x\n-----BEGIN A----\nQUJD\n-----END A-----", PEM.Failure.Kind.badBegin, 2),
        ("-----BEGIN -----\nQUJD\n-----END -----", .badBegin, 1),
        ("-----BEGIN A\u{7}-----\nQUJD\n-----END A\u{7}-----", .badBegin, 1),
        ("-----BEGIN A-----\nQUJD\n-----END B-----", .otherEnd, 3),
        ("-----BEGIN A-----\nQUJD\n-----END A----", .otherEnd, 3),
        ("-----BEGIN A-----\nQUJD\n-----BEGIN A-----", .otherEnd, 3),
        ("-----BEGIN A-----\nQUJD\n", .endMissing, 1),
        ("-----BEGIN A-----", .endMissing, 1),
        ("-----BEGIN A-----\nQU D\n-----END A-----", .badBase64, 2),
        ("-----BEGIN A-----\nQUJ\n-----END A-----", .badBase64, 3),
        ("-----BEGIN A-----\nQUI=\nQUJD\n-----END A-----", .badBase64, 3),
        ("-----BEGIN A-----\nQUI==\n-----END A-----", .badBase64, 2),
        ("-----BEGIN A-----\nQ===\n-----END A-----", .badBase64, 2),
        ("-----BEGIN A-----\nQUJ=\n-----END A-----", .badBase64, 3),
        ("-----BEGIN A-----\nQUJD\na: b\n-----END A-----", .badBase64, 3),
        ("-----BEGIN A-----\n\n-----END A-----", .empty, 3),
    ]

    @Test(arguments: refused)
    func whatIsNoPEMIsRefused(text: String, kind: PEM.Failure.Kind, line: Int) throws {
        #expect(throws: PEM.Failure(kind: kind, line: line)) { try blocks(text) }
    }
}
