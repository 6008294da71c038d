import Foundation
import Mutation

/// A copy of the repository with mutants in it, which stays for the next run: what has not changed is not built again.
struct Copy: Sendable {
    let root: URL
    /// Where the copy, and all else that is made, is.
    let scratch: URL
    var folder: URL { scratch.appendingPathComponent("copy") }

    /// Writes all but the files that get mutants.
    ///
    /// - Parameter targets: those that are built.
    func update(except mutated: Set<String>, targets: Set<String>, memo: URL) throws {
        let listing = try Command(
            arguments: ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], directory: root.path
        ).run()
        guard listing.end == .exit(0) else { throw Failure("git ls-files: \(listing.output)") }
        // The end-to-end tests are not of the unit tests' package.
        let paths = listing.output.split(separator: "\0").map(String.init).filter {
            !$0.hasPrefix("Mutants/") && !$0.hasPrefix("Emulation/")
        }
        let files = FileManager.default
        var kept: Set<String> = ["Sources/CMutant/CMutant.c", "Sources/CMutant/include/CMutant.h"]
        for path in paths where files.fileExists(atPath: root.appendingPathComponent(path).path) {
            kept.insert(path)
            if !mutated.contains(path) { try write(contents(of: path, targets, memo), to: path) }
        }
        try write(Data(Switch.header.utf8), to: "Sources/CMutant/include/CMutant.h")
        try write(Data(Switch.source.utf8), to: "Sources/CMutant/CMutant.c")
        for folder in ["Sources", "Tests"] {
            let there = try files.subpathsOfDirectory(atPath: self.folder.appendingPathComponent(folder).path)
            for path in there.map({ "\(folder)/\($0)" }) where !kept.contains(path) {
                let url = self.folder.appendingPathComponent(path)
                if (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == false {
                    try files.removeItem(at: url)
                }
            }
        }
        // What an interrupted run left.
        try? files.removeItem(at: scratch.appendingPathComponent("run"))
        // What tests look for beside the project, and what `make setup` made.
        try link("shared", to: "../../shared", in: scratch)
        try link(".toolchain", to: "../../.toolchain", in: folder)
    }

    /// Writes a file if it is another: the build goes by its time.
    func write(_ data: Data, to path: String) throws {
        let url = folder.appendingPathComponent(path)
        if let there = try? Data(contentsOf: url), there == data { return }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
        let source = root.appendingPathComponent(path).path
        if let mode = try? FileManager.default.attributesOfItem(atPath: source)[.posixPermissions] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        }
    }

    private func contents(of path: String, _ targets: Set<String>, _ memo: URL) throws -> Data {
        let data = try Data(contentsOf: root.appendingPathComponent(path))
        switch path {
        case "Package.swift": return data + Data(Switch.manifest(targets).utf8)
        case "Tests/Support/OpenSSL.swift":
            let text = String(decoding: data, as: UTF8.self)
            return Data(text.replacingOccurrences(of: "\"/usr/bin/openssl\"", with: "\"\(memo.path)\"").utf8)
        default: return data
        }
    }

    private func link(_ name: String, to target: String, in folder: URL) throws {
        let path = folder.appendingPathComponent(name).path
        guard (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil else { return }
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }
}

/// What cannot be gone on from, in words.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
