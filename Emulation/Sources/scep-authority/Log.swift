import Foundation

/// Whole lines, at once, from any thread.
struct Log: Sendable {
    let toStandardError: Bool

    func write(_ line: String) {
        let handle = toStandardError ? FileHandle.standardError : FileHandle.standardOutput
        // A reader that left must not stop the server.
        try? handle.write(contentsOf: Data((line + "\n").utf8))
    }
}
