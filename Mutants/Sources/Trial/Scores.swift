/// How many of a module's mutants are noticed at least, as it is committed: a line `module percentage` each.
public struct Scores: Sendable {
    public struct Malformed: Error, CustomStringConvertible {
        public let description: String
    }

    /// Of 1.
    public private(set) var shares: [String: Double] = [:]

    public init(_ text: String) throws {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            guard words.count == 2, let percentage = Double(words[1]), 0...100 ~= percentage else {
                throw Malformed(description: "a line of scores is a module and its percentage: \(line)")
            }
            shares[String(words[0])] = percentage / 100
        }
    }
}

/// How likely it is that a sample looks worse than what it was taken from.
public enum Binomial {
    /// The probability of at least `count` among `size`, each with `probability`.
    public static func atLeast(_ count: Int, of size: Int, probability: Double) -> Double {
        guard count > 0 else { return 1 }
        guard probability > 0 else { return 0 }
        guard probability < 1 else { return count <= size ? 1 : 0 }
        var sum = 0.0
        var coefficient = 1.0
        for found in 0...size {
            if found > 0 { coefficient *= Double(size - found + 1) / Double(found) }
            if found >= count { sum += coefficient * power(probability, found) * power(1 - probability, size - found) }
        }
        return min(sum, 1)
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1.0) { result, _ in result * base }
    }
}
