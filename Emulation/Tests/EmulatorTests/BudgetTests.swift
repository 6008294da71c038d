import Testing

@testable import Emulator

@Suite struct BudgetTests {
    @Test func figuresAreHeldAgainstLimits() throws {
        let budget = try Budget(text: "# bytes\nflash=1000\n\nram=200 # all\n", file: "budget")
        #expect(budget[.flash] == 1000)
        #expect(budget[.stack] == nil)
        let fits = try #require(Report(line: "report flash=1000 ram=200 stack=999"))
        #expect(budget.exceeded(by: fits).isEmpty)
        let over = try #require(Report(line: "report flash=1001 ram=201"))
        #expect(budget.exceeded(by: over) == [.flash, .ram])
    }

    @Test(arguments: ["flash", "flash=", "flash=x", "flash=0", "flash=-1", "flash=1=2", "flash=1\nflash=2"])
    func malformedLineIsNamed(text: String) throws {
        let error = #expect(throws: BudgetError.self) { try Budget(text: "# limits\n" + text, file: "b/budget") }
        #expect(error?.description.hasPrefix("b/budget, line \(text.contains("\n") ? 3 : 2): ") == true)
    }
}
