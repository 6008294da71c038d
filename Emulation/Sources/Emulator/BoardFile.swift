import Foundation

/// What the file `board` in the folder of a board without an operating system says: lines `name=value` that hold for all its
/// images, then a section `[image]` for each with its limits in bytes; comments are lines that begin with `#`.
public struct BoardFile: Sendable, Equatable {
    /// By section; what holds for all images is in the one without a name.
    private var values: [String: [String: String]] = ["": [:]]
    private let file: String

    /// Nil where the folder of that name is no such board's.
    public init?(of board: String, in project: URL) throws {
        let file = project.appending(path: "Boards/\(board)/board")
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        try self.init(text: String(contentsOf: file, encoding: .utf8), file: file.path)
    }

    init(text: String, file: String) throws {
        self.file = file
        var section = ""
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let problem = BoardFileError(
                file: file, problem: "line \(number + 1): \"\(line)\" is not of the form name=value")
            if line.hasPrefix("[") {
                section = String(line.dropFirst().dropLast())
                guard line.hasSuffix("]"), !section.isEmpty, values[section] == nil else { throw problem }
                values[section] = [:]
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
                values[section]?.updateValue(String(parts[1]), forKey: String(parts[0])) == nil
            else { throw problem }
        }
    }

    /// The names of its images.
    public var images: [String] { values.keys.filter { !$0.isEmpty }.sorted() }

    /// What holds for all its images.
    subscript(name: String) -> String? { values[""]?[name] }

    /// What has to be there.
    func value(_ name: String) throws -> String {
        guard let value = self[name] else { throw BoardFileError(file: file, problem: "there is no \(name)") }
        return value
    }

    /// Where things are in its flash: as the file says, or as they are on all boards whose flash is a file of their own making.
    var regions: FlashRegions {
        get throws {
            guard self["storage"] != nil else { return .usual }
            return FlashRegions(
                size: try number("storage-size"),
                seed: try self["storage-seed"].map { _ in try number("storage-seed") },
                record: try number("storage-record"),
                identity: try number("storage-identity")..<number("storage-end"))
        }
    }

    private func number(_ name: String) throws -> Int {
        guard let number = Int(try value(name)), number >= 0 else {
            throw BoardFileError(file: file, problem: "\(name)=\(try value(name)) is no number of bytes")
        }
        return number
    }

    /// The limits of an image.
    func limits(of image: String) throws -> [String: Int] {
        guard let section = values[image] else { throw BoardFileError(file: file, problem: "there is no [\(image)]") }
        return try Dictionary(
            uniqueKeysWithValues: section.map { name, value in
                guard let limit = Int(value), limit > 0 else {
                    throw BoardFileError(file: file, problem: "\(name)=\(value) in [\(image)] is no number of bytes")
                }
                return (name, limit)
            })
    }
}

/// What a file `board` says that cannot be read, or does not say.
public struct BoardFileError: Error, CustomStringConvertible {
    let file: String
    let problem: String
    public var description: String { "\(file), \(problem)" }
}
