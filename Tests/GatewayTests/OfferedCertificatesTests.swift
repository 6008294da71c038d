import DeviceCrypto
import Foundation
import TestSupport
import Testing

@testable import Agent
@testable import Gateway
@testable import Output

/// What a transport overhears of a reply to GetCACert.
@Suite struct OfferedCertificatesTests {
    private func open(_ directory: URL) throws -> Workspace {
        var settings = Settings()
        _ = settings.set(.directory, Array((directory.path + "/identity").utf8), from: .commandLine)
        return try Workspace.open(settings)
    }

    private func reply(_ body: [UInt8], status: Int = 200, type: String = "application/x-x509-ca-cert") -> [UInt8] {
        Array("HTTP/1.1 \(status) X\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    private func exchange(_ offered: OfferedCertificates, _ request: [String], _ pieces: [[UInt8]]) {
        offered.begin()
        for part in request { offered.sent(Array(part.utf8).span) }
        for piece in pieces { offered.received(piece.span) }
        offered.end()
    }

    private static let question = "GET /scep?operation=GetCACert HTTP/1.1\r\n"

    @Test func certificatesOfTheLastReplyAreKept() throws {
        let (ca, other) = try (OpenSSLIdentity.authority, OpenSSLIdentity.recipient)
        try withTemporaryDirectory { directory in
            let workspace = try open(directory)
            let offered = OfferedCertificates()
            #expect(offered.certificates(in: workspace) == [])
            let whole = reply(ca.der)
            exchange(offered, [Self.question], [whole])
            #expect(offered.certificates(in: workspace) == ca.der)
            // In pieces, and after a question in pieces.
            let bundle = try reply(OpenSSLIdentity.bundle([other, ca]), type: "application/x-x509-ca-ra-cert")
            exchange(
                offered, ["GET /scep?opera", "tion=GetCACert HTTP/1.1\r\n"],
                [Array(bundle.prefix(10)), Array(bundle[10..<500]), Array(bundle[500...])])
            #expect(offered.certificates(in: workspace) == other.der + ca.der)
            // What is no reply to it, or none that is good, changes nothing.
            for (request, pieces) in [
                ("GET /scep?operation=GetCACaps HTTP/1.1\r\n", [whole]), (Self.question, []),
                (Self.question, [reply(ca.der, status: 404)]), (Self.question, [Array(whole.dropLast())]),
                (Self.question, [reply([])]), (Self.question, [Array("noise".utf8)]),
            ] {
                exchange(offered, [request], pieces)
                #expect(offered.certificates(in: workspace) == other.der + ca.der)
            }
            // One whose end is the connection's.
            exchange(
                offered, [Self.question],
                [Array("HTTP/1.0 200 OK\r\nContent-Type: application/x-x509-ca-cert\r\n\r\n".utf8), ca.der])
            #expect(offered.certificates(in: workspace) == ca.der)
            // A request of another exchange is none of this one, nor is its reply.
            offered.begin()
            offered.sent(Array(Self.question.utf8).span)
            offered.begin()
            offered.sent(Array("POST /scep?operation=PKIOperation HTTP/1.1\r\n".utf8).span)
            offered.received(reply(other.der).span)
            offered.end()
            #expect(offered.certificates(in: workspace) == ca.der)
            offered.end()
            #expect(offered.certificates(in: workspace) == ca.der)
        }
    }

    /// A server cannot have the program keep as much as it likes.
    @Test func whatIsKeptHasItsBounds() throws {
        let ca = try OpenSSLIdentity.authority
        try withTemporaryDirectory { directory in
            let workspace = try open(directory)
            let offered = OfferedCertificates()
            let filling = (0..<80).map { _ in ca }
            let large = try reply(OpenSSLIdentity.bundle(filling), type: "application/x-x509-ca-ra-cert")
            #expect(large.count > 66_000)
            exchange(
                offered, [Self.question],
                stride(from: 0, to: large.count, by: 4096).map {
                    Array(large[$0..<min($0 + 4096, large.count)])
                })
            #expect(offered.certificates(in: workspace) == [])
            // What stands far behind the beginning is no request line.
            exchange(offered, [String(repeating: "x", count: 5000), Self.question], [reply(ca.der)])
            #expect(offered.certificates(in: workspace) == [])
        }
    }

    /// Of a request so much is looked at, and of a reply so much is kept, and not one byte more.
    @Test(arguments: [4095, 4096, 4097], [1, 7, 5000]) func aRequestHasItsBounds(size: Int, piece: Int) throws {
        let ca = try OpenSSLIdentity.authority
        try withTemporaryDirectory { directory in
            let name = "operation=GetCACert"
            let request = Array((String(repeating: "x", count: size - name.utf8.count) + name + " HTTP/1.1").utf8)
            let offered = OfferedCertificates()
            exchange(
                offered,
                stride(from: 0, to: request.count, by: piece).map {
                    String(decoding: request[$0..<min($0 + piece, request.count)], as: UTF8.self)
                }, [reply(ca.der)])
            let found = try offered.certificates(in: open(directory))
            #expect(found == (size <= 4096 ? ca.der : []))
        }
    }

    @Test(arguments: [65_535, 65_536, 65_537], [true, false]) func aReplyHasItsBounds(size: Int, hasLength: Bool) throws
    {
        let (ca, filling) = try (OpenSSLIdentity.authority, OpenSSLIdentity.recipient)
        try withTemporaryDirectory { directory in
            // What is not all of a line of the head is certificates.
            let count = (65_000 - ca.der.count) / filling.der.count
            let body = try OpenSSLIdentity.bundle([ca] + (0..<count).map { _ in filling })
            let length = hasLength ? "Content-Length: \(body.count)\r\n" : ""
            let head =
                "HTTP/1.\(hasLength ? 1 : 0) 200 X\r\nContent-Type: application/x-x509-ca-ra-cert\r\n\(length)X: "
            let filler = size - head.utf8.count - 4 - body.count
            let whole = Array((head + String(repeating: "x", count: filler) + "\r\n\r\n").utf8) + body
            #expect(whole.count == size)
            let offered = OfferedCertificates()
            exchange(offered, [Self.question], [Array(whole.prefix(60_000)), Array(whole.dropFirst(60_000))])
            let found = try offered.certificates(in: open(directory))
            #expect(found.starts(with: ca.der) == (size <= 65_536))
        }
    }

    /// What was published of it is there for passes that ask nobody.
    @Test func whatIsPublishedIsKept() throws {
        let (ca, other) = try (OpenSSLIdentity.authority, OpenSSLIdentity.recipient)
        try withTemporaryDirectory { directory in
            let workspace = try open(directory)
            let path = directory.path + "/identity/above"
            let offered = OfferedCertificates()
            try offered.keep([], in: workspace)
            #expect(!FileManager.default.fileExists(atPath: path))
            try offered.keep(ca.der, in: workspace)
            #expect(FileManager.default.contents(atPath: path).map { Array($0) } == ca.der)
            let date = Date(timeIntervalSince1970: 1_000_000_000)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
            // Not again, and nothing in its place.
            try offered.keep(ca.der, in: workspace)
            try offered.keep([], in: workspace)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date == date)
            exchange(offered, [Self.question], [reply(other.der)])
            #expect(offered.certificates(in: workspace) == other.der + ca.der)
            #expect(OfferedCertificates().certificates(in: workspace) == ca.der)
            try offered.keep(other.der, in: workspace)
            #expect(OfferedCertificates().certificates(in: workspace) == other.der)
        }
    }
}

extension KeyTests.PublishedFilesTests {
    /// What https servers are shown: the certificate, those between it and the root, and its key, once for each change.
    @Test func theIdentityThatIsShownFollowsTheStore() throws {
        let identity = try Identity.shared.get()
        try withFolder(identity, trusting: [identity.root, identity.intermediate]) { _, store, _ in
            let shown = ShownIdentity(KeyTests.provider)
            #expect(!shown.isNew && shown.certificate.isEmpty)
            try shown.take(from: &store)
            #expect(shown.isNew && shown.certificate == identity.leaf.der)
            #expect(shown.issuers == [identity.intermediate.der])
            var key = try shown.takeKey()
            #expect(try kept(&key) == store.bytes(of: .privateKey))
            #expect(!shown.isNew)
            #expect(throws: CryptoError.invalidKey) { _ = try shown.takeKey() }
            // The same again is nothing new.
            try shown.take(from: &store)
            #expect(!shown.isNew)
            let renewed = try OpenSSLIdentity(
                subject: "/CN=gateway 7", for: TestKey.p256, issuedBy: identity.intermediate)
            try fill(&store, identity, [identity.root], leaf: renewed)
            try shown.take(from: &store)
            #expect(shown.isNew && shown.certificate == renewed.der && shown.issuers.isEmpty)
            key = try shown.takeKey()
            #expect(try kept(&key) == store.bytes(of: .privateKey))
        }
    }
}
