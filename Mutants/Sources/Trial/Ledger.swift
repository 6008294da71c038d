import Foundation
import Synchronization

/// What became of the mutants of a build so far, in a file: a run that was ended goes on where it was.
final class Ledger: Sendable {
    private let file: URL
    private let known: Mutex<[Int: Fate]>

    /// - Parameter file: lines of a switch and a fate.
    init(file: URL) throws {
        self.file = file
        var known: [Int: Fate] = [:]
        for line in ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let number = Int(words[0]), let fate = Fate(rawValue: String(words[1])) else {
                continue
            }
            known[number] = fate
        }
        self.known = Mutex(known)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: file.path) { try Data().write(to: file) }
    }

    func fate(of number: Int) -> Fate? { known.withLock { $0[number] } }

    func note(_ number: Int, _ fate: Fate) throws {
        try known.withLock { known in
            known[number] = fate
            let handle = try FileHandle(forWritingTo: file)
            defer { try? handle.close() }
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("\(number) \(fate.rawValue)\n".utf8))
        }
    }
}
