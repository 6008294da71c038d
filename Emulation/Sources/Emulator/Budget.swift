import Foundation

/// The limits of a board's image in bytes, from the board's file `board`.
public struct Budget: Sendable, Equatable {
    public let limits: [String: Int]

    /// A Linux board has no limits.
    public init(of board: BoardKind, image: String = "usual", in project: URL) throws {
        try self.init(limits: BoardFile(of: board.name, in: project)?.limits(of: image) ?? [:])
    }

    init(limits: [String: Int]) { self.limits = limits }

    public subscript(name: Report.Name) -> Int? { limits[name.rawValue] }

    /// ResourceUsage of `report` that are above their limits.
    public func exceeded(by report: Report) -> [Report.Name] {
        Report.Name.allCases.filter { name in
            guard let limit = self[name], let figure = report[name] else { return false }
            return figure > limit
        }
    }
}
