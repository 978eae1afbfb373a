import Checkpoints
import Foundation
import SystemPackage
import TestSupport
import Testing
import Transformer

/// Plans for a batch of 30 micro-batches, whose gradient factors together are more than anything else a sweep takes.
@Suite struct MemoryBudgetTests {
    private let scratch = FilePath(NSTemporaryDirectory())
    private let rows = 60_000
    private let batch: TokenBatch = {
        var random = SeededGenerator(seed: 1)
        return TokenBatch(
            (0..<60).map { _ in
                let tokens = (0..<1001).map { _ in Int32.random(in: 0..<61, using: &random) }
                return Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
            })
    }()

    private let model: LanguageModel

    init() throws { model = try Fixture.model("llama-tied-gqa") }

    private func plan(_ bytes: Int, needsEveryExample: Bool) throws -> SweepPlan {
        try MemoryBudget(bytes: bytes).plan(model, batch, scratch: scratch, needsEveryExample: needsEveryExample)
    }

    private func smallest(needsEveryExample: Bool) throws -> Int {
        let error = try #require(throws: TransformerError.self) { try plan(1 << 20, needsEveryExample: needsEveryExample) }
        guard case .overBudget(let budget, let smallest) = error else { return 0 }
        #expect(budget == 1 << 20)
        #expect(smallest == MemoryBudget.smallest(model, batch, needsEveryExample: needsEveryExample))
        return smallest
    }

    @Test(arguments: [false, true])
    func theNamedBudgetWorksAndLessDoesNot(needsEveryExample: Bool) throws {
        let smallest = try smallest(needsEveryExample: needsEveryExample)
        #expect(try plan(smallest, needsEveryExample: needsEveryExample).plannedPeak <= smallest)
        let error = try #require(throws: TransformerError.self) { try plan(smallest - 1 << 20, needsEveryExample: needsEveryExample) }
        guard case .overBudget(_, let again) = error else { return }
        #expect(again == smallest)
    }

    /// What the message tells the user to write is enough.
    @Test func theMessageNamesABudgetThatWorks() throws {
        let error = try #require(throws: TransformerError.self) { try plan(1 << 20, needsEveryExample: true) }
        let named = try #require(error.description.firstMatch(of: /--memory ([0-9]+)MiB/)?.1)
        let bytes = try #require(Int(named)) << 20
        #expect(try plan(bytes, needsEveryExample: true).plannedPeak <= bytes)
    }

    @Test(arguments: [false, true])
    func noPlanIsAboveItsBudget(needsEveryExample: Bool) throws {
        let smallest = try smallest(needsEveryExample: needsEveryExample)
        for extra in stride(from: 0, through: 400 << 20, by: 3 << 20) {
            let plan = try plan(smallest + extra, needsEveryExample: needsEveryExample)
            #expect(plan.goesBack && plan.plannedPeak > 0 && plan.plannedPeak <= smallest + extra)
        }
    }

    /// The least: inputs and factors in files, one micro-batch's rows at once, activations computed anew. Plenty: all in memory.
    @Test func moreMemoryIsUsed() throws {
        let least = try plan(smallest(needsEveryExample: false), needsEveryExample: false)
        #expect(least.inMemory == .least)
        #expect(least.chunkRows >= batch.largestMicroBatchRows && least.chunkRows < rows)
        let plenty = try plan(MemoryBudget.standard.bytes, needsEveryExample: false)
        #expect(plenty.inMemory == .activations)
        #expect(plenty.chunkRows == rows)
        #expect(plenty.candidates == CandidateSweep.most)
    }

    /// From the least budget up, what lies in memory only grows.
    @Test func everyWayIsTaken() throws {
        let smallest = try smallest(needsEveryExample: true)
        let ways = try stride(from: 0, through: 1 << 30, by: 4 << 20).map {
            try plan(smallest + $0, needsEveryExample: true).inMemory.rawValue
        }
        #expect(ways == ways.sorted(by: >))
        #expect(Set(ways) == Set(SweepPlan.InMemory.allCases.map(\.rawValue)))
    }

    /// Scoring other batches beside it takes memory too, and fewer versions of the weights at once where it is short.
    @Test func scoringBesideItIsCounted() throws {
        let alone = MemoryBudget.smallest(model, batch, needsEveryExample: true)
        let window = Window(inputs: Array(repeating: 1, count: 1000), targets: Array(repeating: 2, count: 1000))
        let others = [TokenBatch(Array(repeating: Example(windows: [window]), count: 2000))]
        let beside = MemoryBudget.smallest(model, batch, needsEveryExample: true, scoring: others)
        #expect(beside > alone)
        let plan = try MemoryBudget(bytes: beside).plan(model, batch, scratch: scratch, needsEveryExample: true, scoring: others)
        #expect(plan.candidates == 1)
    }

    /// Before factors are kept in memory: a tap that needs every example has those of the whole batch.
    @Test func aTapThatNeedsEveryExampleNeedsMore() throws {
        func firstWithFactors(_ needsEveryExample: Bool) throws -> Int {
            let smallest = try smallest(needsEveryExample: needsEveryExample)
            let budgets = stride(from: smallest, through: smallest + 1 << 30, by: 1 << 20)
            return try #require(
                try budgets.first {
                    try plan($0, needsEveryExample: needsEveryExample).inMemory.rawValue <= SweepPlan.InMemory.factors.rawValue
                })
        }
        let (every, some) = (try firstWithFactors(true), try firstWithFactors(false))
        #expect(every > some)
        #expect(try plan(smallest(needsEveryExample: true), needsEveryExample: true).chunkRows == rows)
    }
}
