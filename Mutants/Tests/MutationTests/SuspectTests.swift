import Mutation
import Testing

/// Which mutants an error of the compiler speaks against.
@Suite struct SuspectTests {
    /// The place of `part` in the planted text.
    private func suspects(_ source: String, at part: String, isTooComplex: Bool = false) throws -> [String] {
        let planted = plant(source)
        let text = String(decoding: planted.text, as: UTF8.self)
        let before = text[..<(try #require(text.firstRange(of: part))).lowerBound]
        let line = before.split(separator: "\n", omittingEmptySubsequences: false).count
        let column = (before.split(separator: "\n", omittingEmptySubsequences: false).last?.utf8.count ?? 0) + 1
        return planted.suspects(line: line, column: column, isTooComplex: isTooComplex).map {
            planted.mutants[$0].change
        }
    }

    @Test func theInnermost() throws {
        let source = "let x = f(a - b, c)"
        #expect(try suspects(source, at: "f(c, ") == ["f(a - b, c) → f(c, a - b)"])
        #expect(try suspects(source, at: "a + b") == ["a - b → a + b"])
    }

    @Test func halfOfWhatIsTooComplex() throws {
        #expect(try suspects("let x = a + b + c", at: "? a + b - c", isTooComplex: true) == ["a + b + c → a + b - c"])
    }

    @Test func theLineOfWhatIsNoFunctions() throws {
        #expect(try suspects("struct S {\n  var x = f(1)\n  var y = 2\n}", at: "var x").count == 2)
    }

    @Test func whatIsNotAssigned() throws {
        let source = "func f() {\n  y = a + b\n  use(y)\n}"
        #expect(try suspects(source, at: "}\n}") == ["use(y) → left out"])
        #expect(try suspects("func f() {\n  y = a + b\n  let z = y\n}", at: "let z") == ["y = a + b → left out"])
    }
}
