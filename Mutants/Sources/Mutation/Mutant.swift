/// One small fault, planted behind a switch.
public struct Mutant: Equatable, Sendable {
    /// What kind of change it is.
    public enum Kind: String, CaseIterable, Sendable {
        /// A comparison that says the contrary.
        case comparison
        /// A comparison or a range that takes its end in, or leaves it out.
        case boundary
        /// A condition that says the contrary, or a binding that is never made.
        case condition
        /// One of several conditions, left out.
        case operand
        case arithmetic
        /// A number one more or one less; true for false.
        case constant
        /// A call whose result nobody takes, left out.
        case call
        /// An assignment, left out.
        case assignment
        /// A function that returns at once.
        case earlyReturn
        /// A function's Bool that says the contrary.
        case result
        /// Two arguments that change places.
        case swapped
    }

    public let kind: Kind
    /// From the root of the repository.
    public let file: String
    /// From 1 on.
    public let line: Int
    /// The line in the source, without the blanks around it.
    public let lineText: String
    public let original: String
    public let replacement: String
    /// Which of several like it on its line, from 1 on.
    public internal(set) var occurrence = 1

    /// What was changed, as it is printed and as an entry of the equivalent ones names it.
    public var change: String {
        "\(original) → \(replacement)" + (occurrence > 1 ? " (\(occurrence))" : "")
    }

    /// What is the same as long as the line is: where the mutant is known by, whatever stands above it.
    public var key: Key { Key(file: file, lineText: lineText, change: change) }

    public struct Key: Hashable, Comparable, Sendable {
        public let file: String
        public let lineText: String
        public let change: String

        public init(file: String, lineText: String, change: String) {
            self.file = file
            self.lineText = lineText
            self.change = change
        }

        public static func < (left: Key, right: Key) -> Bool {
            (left.file, left.lineText, left.change) < (right.file, right.lineText, right.change)
        }
    }
}

extension Mutant: CustomStringConvertible {
    public var description: String { "\(file):\(line): \(change)" }
}
