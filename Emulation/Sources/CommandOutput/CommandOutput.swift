import Foundation

/// Prints a line at once, also into a pipe.
public func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// One line of a table: the first two columns begin at their left, the others, which are numbers, end at their right.
///
/// - Parameter widths: in characters; what is longer pushes the rest on.
public func row(_ texts: [String], widths: [Int]) -> String {
    zip(texts, widths).enumerated().map { index, column in
        let blank = String(repeating: " ", count: max(column.1 - column.0.count, 0))
        return index < 2 ? column.0 + blank : blank + column.0
    }.joined(separator: "  ")
}
