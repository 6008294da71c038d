import AuthorityServer
import Foundation

/// What a program is told when the authority listens.
struct Ready: Encodable {
    let url: String
    let port: UInt16
    let adminPort: UInt16?
    /// Of the root, hexadecimal.
    let sha256: String
    let sha512: String
    let subject: String
    /// Path of the root's certificate in PEM.
    let certificate: String

    init(server: AuthorityServer, anchor: URL) throws {
        let root = server.authority.trustAnchor
        url = server.url
        port = server.port
        adminPort = server.adminPort
        sha256 = try root.fingerprint(.sha256).hexadecimal
        sha512 = try root.fingerprint(.sha512).hexadecimal
        subject = root.subject.description
        certificate = anchor.path
    }

    /// One line on standard output.
    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try FileHandle.standardOutput.write(contentsOf: encoder.encode(self) + [10])
    }
}
