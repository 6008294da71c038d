import Foundation
import TestSupport
import Testing

@testable import Gateway

/// Files with secrets: nobody else may read or change them.
@Suite struct InputFileTests {
    private func kind(_ read: () throws -> [UInt8]) -> String {
        do {
            return "read " + String(decoding: try read(), as: UTF8.self)
        } catch let failure as Failure {
            return String(decoding: failure.kind, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("word\nsecond line", 0o600, "read word"), ("word", 0o400, "read word"), ("word\r\n", 0o600, "read word"),
        (" blanks \n", 0o600, "read  blanks "), ("", 0o600, "secret-empty"), ("\nword", 0o600, "secret-empty"),
        ("word", 0o640, "secret-exposed"), ("word", 0o604, "secret-exposed"), ("word", 0o620, "secret-exposed"),
        ("word", 0o601, "secret-exposed"), (String(repeating: "w", count: 65_537), 0o600, "file-failed"),
    ])
    func secretIsTheFirstLineOfAPrivateFile(_ content: String, _ mode: Int, _ outcome: String) throws {
        try withTemporaryDirectory { directory in
            let path = try directory.writePrivate(Array(content.utf8), to: "secret", mode: mode)
            #expect(kind { try InputFile.readSecret(path) } == outcome)
        }
    }

    @Test func whatIsNoFileIsNamed() throws {
        try withTemporaryDirectory { directory in
            let folder = Array(directory.path.utf8)
            #expect(kind { try InputFile.readSecret(folder) } == "file-failed")
            #expect(kind { try InputFile.readSecret(folder + Array("/absent".utf8)) } == "file-failed")
        }
    }
}
