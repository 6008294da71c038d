import Foundation
import Mutation

/// What the compiler refused before, by the text of the file: it is not asked again.
struct Refusals: Sendable {
    let folder: URL

    func known(for file: Candidates.File) -> [Int] {
        guard let text = try? String(contentsOf: url(file), encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { Int($0) }.filter { $0 < file.range.count }
            .map { file.range.lowerBound + $0 }
    }

    func write(_ plan: Plan) {
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in plan.candidates.files {
            let all = Set(known(for: file)).union(file.range.filter(plan.refused.contains))
            guard !all.isEmpty else { continue }
            let text = all.sorted().map { "\($0 - file.range.lowerBound)\n" }.joined()
            try? Data(text.utf8).write(to: url(file), options: .atomic)
        }
    }

    private func url(_ file: Candidates.File) -> URL {
        folder.appendingPathComponent("\(Digest.of(file.source.path + "\n" + file.source.text))-\(file.range.count)")
    }
}

/// A name for a text: FNV-1a. Nobody forges these.
enum Digest {
    static func of(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }
}
