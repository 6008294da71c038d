import Foundation

/// A board's limits in bytes, from the file `budget` beside it: lines `name=number`, and comments from `#` on.
public struct Budget: Sendable, Equatable {
    public private(set) var limits: [String: Int] = [:]

    /// A board without that file has no limits.
    ///
    /// - Parameter image: the name of another image than the usual one, whose limits are in `budget-<name>`.
    public init(of board: BoardKind, image: String? = nil, in project: URL) throws {
        let name = image.map { "budget-\($0)" } ?? "budget"
        let file = project.appending(path: "Boards/\(board)/\(name)")
        let isLimited = FileManager.default.fileExists(atPath: file.path)
        try self.init(text: isLimited ? String(contentsOf: file, encoding: .utf8) : "", file: file.path)
    }

    init(text: String, file: String) throws {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let statement = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            if statement.isEmpty { continue }
            let parts = statement.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let limit = Int(parts[1]), limit > 0, limits[String(parts[0])] == nil else {
                throw BudgetError(file: file, line: number + 1, text: String(line))
            }
            limits[String(parts[0])] = limit
        }
    }

    public subscript(name: Report.Name) -> Int? { limits[name.rawValue] }

    /// ResourceUsage of `report` that are above their limits.
    public func exceeded(by report: Report) -> [Report.Name] {
        Report.Name.allCases.filter { name in
            guard let limit = self[name], let figure = report[name] else { return false }
            return figure > limit
        }
    }
}

/// A budget file that cannot be read.
public struct BudgetError: Error, CustomStringConvertible {
    let file: String
    let line: Int
    let text: String
    public var description: String { "\(file), line \(line): \"\(text)\" is not of the form name=number" }
}
