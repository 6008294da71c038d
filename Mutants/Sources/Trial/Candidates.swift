import Foundation
import Mutation

/// Every mutant that some modules can have, each with its switch.
public struct Candidates: Sendable {
    public struct File: Sendable {
        public let module: String
        public let source: SourceFile
        /// Where its mutants are in ``Candidates/mutants``.
        public let range: Range<Int>
    }

    public private(set) var files: [File] = []
    public private(set) var mutants: [Mutant] = []
    public private(set) var modules: [String] = []

    public init(_ modules: [Project.Module], root: URL) throws {
        for module in modules {
            for path in try module.folders.flatMap({ try Self.files(in: $0, root) }) {
                let source = SourceFile(
                    path: path, text: try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
                let found = source.planted(firstNumber: 1) { _ in false }.mutants
                files.append(
                    File(module: module.name, source: source, range: mutants.count..<(mutants.count + found.count)))
                mutants += found
                self.modules += [String](repeating: module.name, count: found.count)
            }
        }
    }

    /// The switch of a mutant; 0 is that of none.
    public static func number(_ index: Int) -> Int { index + 1 }

    private static func files(in folder: String, _ root: URL) throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent(folder).path)
        return names.filter(SourceFile.isMutated).sorted().map { "\(folder)/\($0)" }
    }
}
