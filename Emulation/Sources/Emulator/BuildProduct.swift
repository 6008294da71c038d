import Foundation
import Synchronization

/// A program or an image that a target of the Makefile leaves in a checkout of the project.
public struct BuildProduct: Sendable {
    /// Relative to the checkout.
    let path: String
    /// The files that it is built from, and folders of such; relative to the checkout. All of them are there.
    public let sources: [String]
    /// What builds it, from the checkout.
    public let command: String

    /// - Parameter sources: besides the modules and what builds them for any board.
    public init(_ path: String, from sources: [String], by command: String) {
        self.path = path
        self.sources = ["Package.swift", "Sources", "Toolchain/mbedtls"] + sources
        self.command = command
    }

    /// Where it is, whether or not it is there.
    public func location(in project: URL) -> URL { project.appending(path: path) }

    /// The file, which is there and not older than any of its sources.
    ///
    /// That is checked once in a process: what is edited while tests run is not what they test.
    ///
    /// - Throws: ``BuildProductError``
    public func file(in project: URL) throws -> URL {
        let file = location(in: project)
        return try Self.checked.withLock { checked in
            let result = checked[file] ?? Result { try check(in: project) }
            checked[file] = result
            try result.get()
            return file
        }
    }

    private static let checked = Mutex<[URL: Result<Void, any Error>]>([:])

    func check(in project: URL) throws {
        let file = location(in: project)
        guard let built = try Self.modification(of: file) else {
            throw BuildProductError.missing(file: file.path, command: command)
        }
        var newest: (file: URL, time: Date)?
        for source in try sources.flatMap({ try Self.files(at: project.appending(path: $0)) }) {
            guard let time = try Self.modification(of: source), time > newest?.time ?? built else { continue }
            newest = (source, time)
        }
        if let newest {
            throw BuildProductError.stale(file: file.path, source: newest.file.path, command: command)
        }
    }

    /// Nil where there is no file.
    private static func modification(of file: URL) throws -> Date? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate] as? Date
    }

    /// The file, or the files in the folder and below it, but for what is hidden, as `.build` is, and what is written
    /// for people.
    private static func files(at place: URL) throws -> [URL] {
        guard try place.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true else { return [place] }
        let contents = try FileManager.default.contentsOfDirectory(
            at: place, includingPropertiesForKeys: [.isDirectoryKey], options: .skipsHiddenFiles)
        return try contents.filter { $0.pathExtension != "md" }.flatMap(files(at:))
    }
}

/// Why a program or an image is not run.
public enum BuildProductError: Error, Sendable, CustomStringConvertible {
    case missing(file: String, command: String)
    /// `source` is the newest of those that are newer.
    case stale(file: String, source: String, command: String)

    public var description: String {
        switch self {
        case .missing(let file, let command):
            "\(file) is missing; build it with: \(command)"
        case .stale(let file, let source, let command):
            "\(file) is older than \(source), which it is built from; build it anew with: \(command)"
        }
    }
}
