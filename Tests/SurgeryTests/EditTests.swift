import Checkpoints
import Storage
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite(.serialized) struct EditTests {
    private let pico: PicoExamples
    private let records: EditRecords
    private let scratch = FilePath("/tmp")

    init() throws {
        pico = try PicoExamples()
        records = EditRecords(forget: Array(pico.examples[0..<2]), keep: Array(pico.examples[2..<4]), retain: Array(pico.examples[4...]))
    }

    private func recipe(_ method: EditRecipe.Method, _ curvature: CurvatureKind? = nil, rounds: Int = 24) -> EditRecipe {
        EditRecipe(
            method: method, curvature: curvature ?? EditRecipe.defaultCurvature(method), strength: .automatic, damping: 0.01,
            rounds: rounds,
            target: (pico.losses[0] + pico.losses[1]) / 2 + 0.8)
    }

    private func losses(_ outcome: EditOutcome) throws -> [Double] {
        var sweep = try LayerSweep(pico.model, pico.batch, plan: .forward)
        return try sweep.score(from: EditedWeights(pico.model.checkpoint, sum: outcome.change)).meanLosses(pico.batch)
    }

    /// Forget records reach the target (0.05 is the edit's own tolerance), kept ones stay within 0.1 nats.
    @Test(arguments: CurvatureKind.all)
    func targetedRemovalDoesWhatIsAsked(curvature: CurvatureKind) throws {
        let recipe = recipe(.targetedRemoval, curvature)
        let outcome = try EditPlan(pico.model, recipe, records, budget: .standard, scratch: scratch).run()
        #expect(outcome.ending == .targetReached)
        let after = try losses(outcome)
        #expect((after[0] + after[1]) / 2 >= outcome.target - 0.05)
        for index in 2..<4 { #expect(abs(after[index] - pico.losses[index]) < 0.1) }
        let last = try #require(outcome.rounds.last)
        #expect(abs(last.forget - (after[0] + after[1]) / 2) < 1e-6)
        #expect(abs(last.forgetPredicted - last.forget) < 0.3)
    }

    @Test(arguments: CurvatureKind.all)
    func fisherRemovalReachesItsTarget(curvature: CurvatureKind) throws {
        let recipe = recipe(.removal, curvature)
        let outcome = try EditPlan(pico.model, recipe, records, budget: .standard, scratch: scratch).run()
        #expect(outcome.ending == .targetReached)
        let after = try losses(outcome)
        #expect((after[0] + after[1]) / 2 >= outcome.target - 0.05)
    }

    /// A fixed strength is theta + eta F^-1 v, once: twice the eta, twice the change.
    @Test func fixedStrengthScalesTheStep() throws {
        var changes: [[Double]] = []
        for eta in [1e-4, 2e-4] {
            var recipe = recipe(.removal, rounds: 1)
            recipe.strength = .fixed(eta)
            let outcome = try EditPlan(pico.model, recipe, records, budget: .standard, scratch: scratch).run()
            #expect(outcome.rounds.count == 1)
            changes.append(try pico.model.layout.parameters.flatMap { try pico.read(outcome.change, $0) })
        }
        #expect(relativeDifference(changes[1], changes[0].map { 2 * $0 }) < 1e-6)
    }

    /// The same bits with one thread and with two, with all in memory and with as little memory as works.
    @Test(arguments: EditRecipe.Method.allCases, CurvatureKind.all)
    func bitsDoNotDependOnThreadsOrBudget(method: EditRecipe.Method, curvature: CurvatureKind) throws {
        try expectTheSameBits(recipe(method, curvature, rounds: 2))
    }

    /// Also where the layers below are passed once: what they leave is kept in memory, or in a file.
    @Test(arguments: EditRecipe.Method.allCases) func bitsOfUpperLayersDoNotDependOnThreadsOrBudget(method: EditRecipe.Method) throws {
        var recipe = recipe(method, .diagonal, rounds: 2)
        recipe.selection.included = [.layers(1...1)]
        try expectTheSameBits(recipe)
    }

    private func expectTheSameBits(_ recipe: EditRecipe) throws {
        let names = try recipe.selection.names(of: pico.model)
        var smallest = 0
        do {
            _ = try EditPlan(pico.model, recipe, records, budget: MemoryBudget(bytes: 1), scratch: scratch)
        } catch let TransformerError.overBudget(_, bytes) {
            smallest = bytes
        }
        var outcomes: [[Double]] = []
        for (count, budget) in [(1, MemoryBudget.standard), (2, .standard), (2, MemoryBudget(bytes: smallest))] {
            let outcome = try withThreads(count) {
                try EditPlan(pico.model, recipe, records, budget: budget, scratch: scratch).run()
            }
            outcomes.append(try names.flatMap { try pico.read(outcome.change, $0) })
            for (record, loss) in zip(outcome.records, try losses(outcome)) { #expect(abs(record.measured - loss) < 1e-5) }
        }
        #expect(smallest > 0)
        #expect(outcomes[0].contains { $0 != 0 })
        #expect(outcomes[0] == outcomes[1])
        #expect(outcomes[0] == outcomes[2])
    }

    /// Where the text is already as unlikely as unseen text, nothing is changed.
    @Test func nothingIsDoneWhereNothingIsToBeDone() throws {
        var recipe = recipe(.targetedRemoval)
        recipe.target = 0.1
        let outcome = try EditPlan(pico.model, recipe, records, budget: .standard, scratch: scratch).run()
        #expect(outcome.rounds.isEmpty && outcome.ending == .targetReached)
        #expect(try losses(outcome) == pico.losses)
    }

    /// Samples in micro-batches: none is lost, and a gradient is the tokens' mean.
    @Test func microBatchesHoldEverySample() {
        let merged = EditRecords.microBatches(pico.examples, of: 4)
        #expect(merged.map(\.windows.count) == [4, 2])
        #expect(merged.flatMap(\.windows).map(\.inputs) == pico.examples.flatMap(\.windows).map(\.inputs))
        #expect(EditRecords.microBatches(pico.examples, of: 1).count == 6)
    }
}
