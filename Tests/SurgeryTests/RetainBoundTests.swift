import Checkpoints
import Glibc
import Surgery
import SystemPackage
import Testing
import Transformer

/// An edit that may not go as far as it was asked to.
@Suite struct RetainBoundTests {
    private let pico: PicoExamples
    private let records: EditRecords

    init() throws {
        pico = try PicoExamples()
        records = EditRecords(forget: Array(pico.examples[0..<2]), keep: Array(pico.examples[2..<4]), retain: Array(pico.examples[4...]))
    }

    private func edit(_ method: EditRecipe.Method, bound: Double, _ strength: EditRecipe.Strength = .automatic) throws -> EditOutcome {
        var recipe = EditRecipe(
            method: method, curvature: EditRecipe.defaultCurvature(method), strength: strength, damping: 0.01, rounds: 12,
            target: (pico.losses[0] + pico.losses[1]) / 2 + 1.5)
        recipe.retainBound = bound
        return try EditPlan(pico.model, recipe, records, budget: .standard, scratch: FilePath("/tmp")).run()
    }

    private func losses(_ outcome: EditOutcome) throws -> [Double] {
        var sweep = try LayerSweep(pico.model, pico.batch, plan: .forward)
        return try sweep.score(from: EditedWeights(pico.model.checkpoint, sum: outcome.change)).meanLosses(pico.batch)
    }

    /// Without a bound the retain text suffers more than 0.01 %; with one of 0.01 % it does not, and the edit says what it left undone.
    @Test(arguments: [EditRecipe.Method.targetedRemoval, .removal]) func theEditStaysWithinTheBound(method: EditRecipe.Method) throws {
        func ratio(_ outcome: EditOutcome) throws -> Double {
            let after = try losses(outcome)
            return exp((after[4] + after[5] - pico.losses[4] - pico.losses[5]) / 2)
        }
        let free = try edit(method, bound: 1e6)
        #expect(free.ending == .targetReached && free.frontier == nil)
        #expect(try ratio(free) > 1.0001)

        let bounded = try edit(method, bound: 0.0001)
        let reached = try ratio(bounded)
        #expect(bounded.ending == .retainBound)
        #expect(!bounded.meets(.automatic))
        // Means over batches of other sizes differ in their last bits.
        #expect(reached <= 1.0001 + 1e-9)
        let frontier = try #require(bounded.frontier)
        #expect(abs(frontier.within.retainRatio - reached) < 1e-6)
        #expect(frontier.beyond.retainRatio > 1.0001)
        #expect(frontier.beyond.forget > frontier.within.forget)
        #expect(bounded.rounds.contains { !$0.isAllowed })
    }

    /// The records' losses are those of the edit that is left, whatever was tried beyond it.
    @Test func recordsAreMeasuredWhereTheEditIs() throws {
        let bounded = try edit(.targetedRemoval, bound: 0.0001)
        let after = try losses(bounded)
        #expect(bounded.records.map(\.role) == [.forget, .forget, .keep, .keep])
        for (index, record) in bounded.records.enumerated() {
            #expect(abs(record.base - pico.losses[index]) < 1e-6)
            #expect(abs(record.measured - after[index]) < 1e-6)
        }
    }

    /// First-order predictions of small steps come close: a tenth of what they predict, here.
    @Test func everyRecordsChangeIsPredicted() throws {
        let outcome = try edit(.removal, bound: 1, .fixed(1e-4))
        #expect(outcome.meets(.fixed(1e-4)))
        for record in outcome.records where record.role == .forget {
            #expect(record.measured > record.base)
            #expect(abs(record.predicted - record.measured) < 0.1 * abs(record.measured - record.base))
        }
    }
}
