import Mutation
import Testing

@Suite struct StatementTests {
    /// The text that follows the import, with every mutant in it or with some.
    private func text(_ source: String, only places: Set<Int>? = nil) -> String {
        String(decoding: plant(source, only: places).text, as: UTF8.self).split(separator: "\n").dropFirst()
            .joined(separator: "\n")
    }

    private func changes(_ source: String) -> [String] { plant(source).mutants.map(\.change) }

    @Test func aComparisonIsEvaluatedOnce() {
        #expect(text("let x = f(a) < b") == "let x = __negated(1, (__mutant(2) ? f(a) <= b : f(a) < b))")
    }

    @Test func aMutantHasNoOtherInIt() {
        #expect(text("let x = a + b - c") == "let x = (__mutant(1) ? a + b + c : (__mutant(2) ? a - b : a + b) - c)")
    }

    @Test func whatIsNotPlantedKeepsItsNumber() {
        #expect(text("let x = a + b - c", only: [1]) == "let x = (__mutant(2) ? a - b : a + b) - c")
    }

    @Test func callsAndAssignmentsAreLeftOut() {
        let source = "func f() {\n  wipe()\n  try x.y()\n  count += n\n  z = 1\n}"
        #expect(
            changes(source) == [
                "f(…) → returns at once", "wipe() → left out", "try x.y() → left out", "count += n → left out",
                "count += n → count -= n", "z = 1 → left out", "z = 1 → z = 2", "z = 1 → z = 0",
            ])
        #expect(text("func f() { g() }") == "func f() { if !__mutant(1) { g() } }")
    }

    @Test(arguments: [
        // What a body returns.
        "func f() -> Int { g() }", "var x: Int { g() }", "let f = { g() }",
        "func f() -> Int { if c() { g() } else { h() } }",
        // What has no value yet.
        "init() { x = y }", "func f() { let x: Int\n  x = y }",
        // What the caller promised, and what an initializer needs.
        "func f() { precondition(a < b) }", "init() { self.init(a) }",
    ]) func whatTheCompilerNeedsStays(_ source: String) {
        let kinds = plant(source).mutants.map(\.kind).filter { $0 != .earlyReturn && $0 != .condition }
        #expect(kinds.isEmpty)
    }

    @Test func conditions() {
        #expect(
            changes("func f() -> Int { guard isFit else { return x }\n return y }") == [
                "isFit → true", "isFit → !(isFit)",
            ])
        #expect(changes("func f() { if isFit { return } }") == ["isFit → !(isFit)"])
        #expect(
            changes("func f() { if let x = y, isFit { return } }") == [
                "let x = y → never", "isFit → true", "isFit → !(isFit)",
            ])
        #expect(text("func f() { if let x = y { return } }") == "func f() { if let x = y, !__mutant(1) { return } }")
    }

    /// What only a small board does is run by no test; that it does it, or tests do, is a change like others.
    @Test func whatNoTestComesByIsLeftAlone() {
        #expect(
            changes("func f() { guard Footprint.isUnconstrained else { return g(1) }\n h() }") == [
                "f(…) → returns at once", "Footprint.isUnconstrained → !(Footprint.isUnconstrained)", "h() → left out",
            ])
        #expect(
            changes("func f() -> Int { if Footprint.isUnconstrained, isFit { return 1 }\n return 2 }").prefix(3) == [
                "Footprint.isUnconstrained → !(Footprint.isUnconstrained)", "isFit → true", "isFit → !(isFit)",
            ])
        #expect(
            changes("func f() { if Footprint.isUnconstrained { g() } else { h() } }") == [
                "Footprint.isUnconstrained → !(Footprint.isUnconstrained)", "g() → left out",
            ])
        let source = "func f() { guard Footprint.isUnconstrained else { return g(1) } }"
        #expect(text(source).hasSuffix("else { return g(1) } }"))
    }

    @Test func results() {
        #expect(changes("func f() -> Bool { g }") == ["g → !(g)"])
        #expect(changes("var x: Bool { return g() }") == ["g() → !(g())"])
        #expect(changes("var x: Int { return g() }").isEmpty)
        #expect(changes("func f() -> Bool { a == b }") == ["a == b → a != b"])
    }

    @Test(arguments: [
        "enum E: Int { case a = 1 }", "func f(x: Int = 5) {}", "@available(x 5) func f() {}",
        "let x: Buffer<64>? = nil",
        "func f() { switch x { case 1...5: break\n default: break } }", "func f() { while true { break } }",
        "#if A\nlet x = 5\n#endif",
    ]) func whatIsNoExpressionStays(_ source: String) {
        #expect(plant(source).mutants.isEmpty)
        #expect(text(source) == source)
    }

    @Test func whatLooksTheSameIsNumbered() {
        #expect(
            changes("func f() { g(1); g(1) }").filter { $0.hasPrefix("g(1) → left out") } == [
                "g(1) → left out", "g(1) → left out (2)",
            ])
    }

    @Test func aMutantSaysWhereItIs() throws {
        let mutant = try #require(plant("\n\n  let x = a == b // why\n", path: "Sources/A/B.swift").mutants.first)
        #expect("\(mutant)" == "Sources/A/B.swift:3: a == b → a != b")
        #expect(
            mutant.key
                == Mutant.Key(file: "Sources/A/B.swift", lineText: "let x = a == b // why", change: "a == b → a != b"))
    }
}
