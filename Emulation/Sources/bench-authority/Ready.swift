import Emulator
import Foundation
import LibCrypto

/// What the authority says when it listens.
struct Ready: Decodable {
    let port: UInt16
    let adminPort: UInt16
    /// Path of the root's certificate.
    let certificate: String

    init(_ running: Running) async throws {
        let line = try await running.line(containing: "\"port\"")
        self = try JSONDecoder().decode(Self.self, from: Data(line.text.utf8))
    }

    func recipient() throws -> Certificate {
        try Certificate(pem: [UInt8](Data(contentsOf: URL(filePath: certificate))))
    }
}
