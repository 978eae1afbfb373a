import Checkpoints
import TestSupport
import Testing
import Transformer

struct ScoringPlanTests {
    private let model: LanguageModel

    init() throws { model = try Fixture.model("llama-tied-gqa") }

    private func plan(_ bytes: Int, longest: Int = 48, held: Int = 0) throws -> ScoringPlan {
        try ScoringPlan([model, model], longestWindow: longest, held: held, budget: MemoryBudget(bytes: bytes))
    }

    private func smallest(longest: Int = 48, held: Int = 0) throws -> Int {
        let error = try #require(throws: TransformerError.self) { try plan(1 << 20, longest: longest, held: held) }
        guard case .overBudget(_, let smallest) = error else { return 0 }
        return smallest
    }

    @Test func theNamedBudgetWorksAndLessDoesNot() throws {
        let smallest = try smallest()
        #expect(try plan(smallest).plannedPeak <= smallest)
        #expect(throws: TransformerError.self) { try plan(smallest - 1) }
    }

    /// As many rows as fit, and never more than that.
    @Test func moreMemoryIsUsed() throws {
        let smallest = try smallest()
        var last = 0
        for extra in stride(from: 0, through: 64 << 20, by: 1 << 20) {
            let plan = try plan(smallest + extra)
            #expect(plan.plannedPeak <= smallest + extra && plan.rows >= max(last, ScoringPlan.rowsPerMicroBatch))
            last = plan.rows
        }
        #expect(try plan(smallest + 1 << 20).rows > plan(smallest).rows)
        #expect(last == ScoringPlan.standard.rows)
    }

    @Test func whatIsHeldAndLongWindowsCount() throws {
        #expect(try smallest(held: 1 << 24) == smallest() + 1 << 24)
        #expect(try smallest(longest: 4000) > smallest())
        #expect(try plan(1 << 30, longest: 20_000).rows == 20_000)
    }
}
