import Mutation
import Testing

@testable import Trial

@Suite struct TrialTextTests {
    @Test func equivalents() throws {
        let text = "# why not\n\nfile: a.swift\nline: a < b: c\nchange: a < b → a <= b\nwhy: they differ\n"
        let equivalents = try Equivalents(text)
        let key = Mutant.Key(file: "a.swift", lineText: "a < b: c", change: "a < b → a <= b")
        #expect(equivalents.reasons == [key: "they differ"])
        let mutants = SourceFile(path: "a.swift", text: "a < b: c").planted(firstNumber: 1).mutants
        #expect(equivalents.unmatched(by: mutants).isEmpty)
        #expect(equivalents.unmatched(by: []) == [key])
        #expect(mutants.filter(equivalents.contains).map(\.change) == ["a < b → a <= b"])
        let line = try Equivalents(text.replacing("a < b → a <= b", with: "*"))
        #expect(mutants.count == 2 && mutants.allSatisfy(line.contains) && line.unmatched(by: mutants).isEmpty)
    }

    @Test(arguments: ["file: a\nline: b\nchange: c\n", "file: a\nline: b\nchange: c\nwhy:\n", "nothing\n"])
    func anEntryLacksNothing(_ text: String) {
        #expect(throws: Equivalents.Malformed.self) { try Equivalents(text) }
    }

    @Test func scores() throws {
        #expect(try Scores("# module, percentage\nDER 97.5\n").shares == ["DER": 0.975])
        for text in ["DER", "DER 101", "DER many", "DER 1 2"] {
            #expect(throws: Scores.Malformed.self) { try Scores(text) }
        }
    }

    @Test func errorsOfTheCompiler() throws {
        let error = try #require(
            CompilerError("/x/copy/Sources/A/B.swift:12:5: error: no: error: at all", prefix: "/x/copy/"))
        #expect(error.path == "Sources/A/B.swift" && error.line == 12 && error.column == 5)
        #expect(error.message == "no: error: at all")
        for line in ["/y/B.swift:1:2: error: x", "/x/copy/B.swift:1:2: warning: x", "error: x"] {
            #expect(CompilerError(line[...], prefix: "/x/copy/") == nil)
        }
    }

    /// By scipy.stats.binom.sf(count - 1, size, probability).
    @Test(arguments: [
        (1, 15, 0.05, 0.536709), (5, 15, 0.05, 0.000615), (6, 15, 0.05, 0.0000529), (0, 3, 0.5, 1), (3, 3, 0.5, 0.125),
    ])
    func binomial(_ count: Int, _ size: Int, _ probability: Double, _ expected: Double) {
        #expect(abs(Binomial.atLeast(count, of: size, probability: probability) - expected) < 0.00001)
    }
}
