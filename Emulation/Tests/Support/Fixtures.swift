import Foundation

/// Messages that other implementations made, in a folder beside the project; it is not part of it.
public enum Fixtures {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/fixtures")

    public static var arePresent: Bool { FileManager.default.fileExists(atPath: folder.path) }

    /// Why a test that needs them is skipped.
    public static let absence = "no ../shared/fixtures beside the project: nothing recorded to read"

    public static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }
}
