import Testing

@testable import Emulator

@Suite struct BudgetTests {
    @Test func figuresAreHeldAgainstLimits() throws {
        let budget = Budget(limits: ["flash": 1000, "ram": 200])
        #expect(budget[.flash] == 1000)
        #expect(budget[.stack] == nil)
        let fits = try #require(Report(line: "report flash=1000 ram=200 stack=999"))
        #expect(budget.exceeded(by: fits).isEmpty)
        let over = try #require(Report(line: "report flash=1001 ram=201"))
        #expect(budget.exceeded(by: over) == [.flash, .ram])
    }
}
