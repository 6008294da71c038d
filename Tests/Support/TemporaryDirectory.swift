import Foundation

/// A folder that is removed at the end of `body`.
public func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let directory = try makeDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}

/// The same, for a `body` that waits.
public func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = try makeDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}

private func makeDirectory() throws -> URL {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("scep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return directory
}

extension URL {
    /// Writes `bytes` to the file `name` in this folder, and gives its path back.
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = appending(path: name)
        try Data(bytes).write(to: file)
        return file.path
    }
}
