import Foundation

/// Messages that other implementations made. They stand beside the project, not in it.
public enum Fixtures {
    public static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("shared/fixtures")

    public static var areThere: Bool { FileManager.default.fileExists(atPath: directory.path) }

    /// For `.enabled(if:_:)`, beside ``areThere``.
    public static let absence = "no ../shared/fixtures beside the project: nothing recorded to read"

    public static func read(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: directory.appendingPathComponent(name)))
    }
}
