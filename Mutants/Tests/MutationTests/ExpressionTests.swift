import Mutation
import Testing

/// What a source becomes, and what is said of it.
func plant(_ source: String, only places: Set<Int>? = nil, path: String = "a.swift") -> Planted {
    SourceFile(path: path, text: source).planted(firstNumber: 1) { places?.contains($0) ?? true }
}

@Suite struct ExpressionTests {
    @Test(arguments: [
        ("a == b", ["a == b → a != b"]),
        ("a < b", ["a < b → a >= b", "a < b → a <= b"]),
        ("a + b", ["a + b → a - b"]),
        ("a &- 1", ["a &- 1 → a &+ 1", "x = a &- 1 → x = a &- 2", "x = a &- 1 → x = a &- 0"]),
        ("0x10", ["x = 0x10 → x = 17", "x = 0x10 → x = 15"]),
        ("-1", ["x = -1 → x = -2", "x = -1 → x = 0"]),
        ("a > 7", ["a > 7 → a <= 7", "a > 7 → a >= 7", "x = a > 7 → x = a > 8"]),
        ("a < 7", ["a < 7 → a >= 7", "a < 7 → a <= 7", "x = a < 7 → x = a < 6"]),
        ("a..<7", ["a..<7 → a..<7 - 1", "x = a..<7 → x = a..<8"]),
        ("f(repeating: 0)", []),
        ("min(a, b)", []),
        ("constantTimeEqual(a, b)", []),
        ("areEqual(a, b)", []),
        ("areNamesEqual(a, b)", []),
        ("isWord(a, b)", []),
        // What is true in every build that tests run in.
        ("Footprint.isUnconstrained && a", ["Footprint.isUnconstrained && a → Footprint.isUnconstrained"]),
        ("a || Curve.isSupported", ["a || Curve.isSupported → a"]),
        (
            "!Footprint.isUnconstrained || a",
            [
                "!Footprint.isUnconstrained → Footprint.isUnconstrained",
                "!Footprint.isUnconstrained || a → !Footprint.isUnconstrained",
            ]
        ),
        (
            "TLSSupport.isAvailable ? f(1) : f(2)",
            [
                "TLSSupport.isAvailable → !(TLSSupport.isAvailable)",
                "x = TLSSupport.isAvailable ? f(1) : f(2) → x = TLSSupport.isAvailable ? f(2) : f(2)",
                "x = TLSSupport.isAvailable ? f(1) : f(2) → x = TLSSupport.isAvailable ? f(0) : f(2)",
            ]
        ),
        ("!a", ["!a → a"]),
        ("true", ["x = true → x = false"]),
        ("a && b && c", ["a && b → b", "a && b → a", "a && b && c → a && b"]),
        ("a || b", ["a || b → b", "a || b → a"]),
        ("a ? b : c", ["a → !(a)"]),
        ("a..<b", ["a..<b → a..<b - 1"]),
        ("f(a, b)", ["f(a, b) → f(b, a)"]),
        ("f(a, 1)", ["x = f(a, 1) → x = f(a, 2)", "x = f(a, 1) → x = f(a, 0)"]),
        ("\"a < b\"", []),
        ("[1, 2, 3, 4, 5] as [Int]", ["1", "3", "5"]),
    ]) func changesOfAnExpression(_ expression: String, _ changes: [String]) {
        let found = plant("let x = \(expression)").mutants.map(\.change)
        if expression.hasPrefix("[") {
            #expect(found.count == 6)
        } else {
            #expect(found == changes)
        }
    }
}
