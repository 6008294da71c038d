import Foundation

/// The project's modules and their tests, as its manifest has them.
public struct Project: Sendable {
    public struct Module: Equatable, Sendable {
        public let name: String
        /// From the root of the repository: its own, then those of C that it is the first to use.
        public let folders: [String]
        /// Targets: its own tests first, then those of modules above it.
        public let tests: [String]

        /// Without the tests of modules above it.
        public var withOwnTests: Module {
            Module(name: name, folders: folders, tests: tests.filter { $0 == "\(name)Tests" })
        }
    }

    public let modules: [Module]
    /// What each target uses, and what that uses.
    private let uses: [String: Set<String>]

    /// The targets that building `some` takes.
    func targets(for some: [String]) -> Set<String> {
        some.reduce(into: Set(some)) { $0.formUnion(uses[$1] ?? []) }
    }

    /// - Parameters:
    ///   - description: what `swift package dump-package` prints.
    ///   - isSwift: whether a target's folder holds Swift; if not, it holds C.
    public init(description: Data, isSwift: (String) -> Bool) throws {
        let manifest = try JSONDecoder().decode(Manifest.self, from: description)
        let targets = manifest.targets
        func folder(_ target: Manifest.Target) -> String { target.path ?? "Sources/\(target.name)" }
        // A manifest may name a target before what it uses.
        var uses = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, Set($0.names)) })
        for _ in targets {
            uses = uses.mapValues { used in used.reduce(into: used) { $0.formUnion(uses[$1] ?? []) } }
        }
        self.uses = uses
        var isTaken: Set<String> = []
        let libraries = targets.filter { $0.type == "regular" && folder($0).hasPrefix("Sources/") }
        modules = libraries.filter { isSwift(folder($0)) }.map { target in
            let ofC = libraries.filter { library in
                target.names.contains(library.name) && !isSwift(folder(library))
                    && isTaken.insert(library.name).inserted
            }
            let tests = targets.filter { $0.type == "test" && uses[$0.name]?.contains(target.name) == true }.map(\.name)
            let own = tests.filter { $0 == "\(target.name)Tests" }
            return Module(
                name: target.name, folders: ([target] + ofC).map(folder),
                tests: own + tests.filter { !own.contains($0) })
        }
    }

    private struct Manifest: Decodable {
        struct Target: Decodable {
            let name: String
            let type: String
            let path: String?
            let dependencies: [Dependency]

            var names: [String] { dependencies.compactMap(\.name) }
        }

        struct Dependency: Decodable {
            let byName: [String?]?
            var name: String? { byName?.first ?? nil }
        }

        let targets: [Target]
    }
}
