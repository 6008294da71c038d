/// A source file that mutants are planted in.
public struct SourceFile: Sendable {
    /// From the root of the repository.
    public let path: String
    public let text: String

    public init(path: String, text: String) {
        self.path = path
        self.text = text
    }

    /// Whether mutants can be planted in a file of this name.
    public static func isMutated(_ path: String) -> Bool {
        path.hasSuffix(".swift") || path.hasSuffix(".c") || path.hasSuffix(".h")
    }

    /// - Parameters:
    ///   - firstNumber: the switch of the first candidate; each has the next.
    ///   - isPlanted: whether a candidate is, by its place among the file's.
    public func planted(firstNumber: Int, isPlanted: @escaping (Int) -> Bool = { _ in true }) -> Planted {
        path.hasSuffix(".swift")
            ? Planter.plant(text, file: path, firstNumber: firstNumber, isPlanted: isPlanted)
            : CPlanter.plant(text, file: path, firstNumber: firstNumber, isPlanted: isPlanted)
    }
}
