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
        try MemoryBudget(bytes: bytes).plan(SweepNeed(model, batch, needsEveryExample: needsEveryExample), scratch: scratch)
    }

    private func smallest(needsEveryExample: Bool) throws -> Int {
        let error = try #require(throws: TransformerError.self) { try plan(1 << 20, needsEveryExample: needsEveryExample) }
        guard case .overBudget(let budget, let smallest) = error else { return 0 }
        #expect(budget == 1 << 20)
        #expect(smallest == SweepNeed(model, batch, needsEveryExample: needsEveryExample).smallest)
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
        let alone = SweepNeed(model, batch, needsEveryExample: true).smallest
        let window = Window(inputs: Array(repeating: 1, count: 1000), targets: Array(repeating: 2, count: 1000))
        let others = [TokenBatch(Array(repeating: Example(windows: [window]), count: 2000))]
        let need = SweepNeed(model, batch, needsEveryExample: true, scoring: others)
        let beside = need.smallest
        #expect(beside > alone)
        let plan = try MemoryBudget(bytes: beside).plan(need, scratch: scratch)
        #expect(plan.candidates == 1)
    }

    /// What a tap makes of a linear map's factors lies beside these, and not beside those of a wider map.
    @Test func tapsAreCountedMapByMap() throws {
        func columns(_ map: LinearLayout) -> Int { map.storedRows + map.storedColumns }
        let maps = model.layout.layers[0].linears
        let widest = try #require(maps.max { columns($0) < columns($1) })
        let narrow = try #require(maps.min { columns($0) < columns($1) })
        // So much that showing these is what takes most of all.
        func smallest(_ wide: Int, _ slim: Int, numbers: Int = 0) -> Int {
            let shown = [widest.weight: TapNeed.Shown(columns: wide), narrow.weight: TapNeed.Shown(columns: slim, numbers: numbers)]
            return SweepNeed(model, batch, needsEveryExample: true, taps: TapNeed(maps: shown)).smallest
        }
        let room = columns(widest) - columns(narrow)
        let without = smallest(1000, 0)
        #expect(room > 0)
        #expect(smallest(1000, 1000 + room) == without)
        #expect(smallest(1000, 1000 + room, numbers: 5) == without + 4 * 5)
        #expect(smallest(1003, 0) == without + 4 * 3 * rows)
    }

    /// What a tap holds comes on top of everything; what it takes between sweeps only where a sweep takes less.
    @Test func whatTapsHoldIsCounted() throws {
        func smallest(_ taps: TapNeed) -> Int { SweepNeed(model, batch, needsEveryExample: true, taps: taps).smallest }
        let without = smallest(TapNeed())
        #expect(smallest(TapNeed(held: 1000)) == without + 1000)
        #expect(smallest(TapNeed(between: 1000)) == without)
        #expect(smallest(TapNeed(between: without)) > without)
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
