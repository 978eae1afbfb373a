internal import ArgumentParser
internal import Storage
internal import Surgery
internal import SystemPackage
internal import Transformer
internal import Verification

/// Whether the forgotten comes back where the model learns on.
struct RelearningOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Teach the models half of the forget text again, and general text, by so many steps of gradient descent: does the other half come back?",
            valueName: "steps"))
    var relearn: Int?
    @Option(help: "How far a step of --relearn goes: the learning rate, of gradients that are cut to a length of 1.") var relearnRate = 0.05

    func validate() throws {
        guard relearn.map({ (1...1000).contains($0) }) ?? true else { throw ValidationError("--relearn takes 1 to 1000 steps.") }
        guard relearnRate > 0, relearnRate.isFinite else { throw ValidationError("--relearn-rate is \(relearnRate); it must be above 0.") }
    }

    func steps(_ gates: [GateExpression]) -> Int? { relearn ?? (gates.name("metrics.relearning") ? 10 : nil) }

    /// Throws `overBudget` where the lessons do not fit into memory.
    func check(_ verification: Verification, _ gates: [GateExpression], within budget: MemoryBudget) throws {
        guard steps(gates) != nil, let lesson = try verification.lesson() else { return }
        for model in verification.taught {
            try budget.check(
                smallest: max(Relearning.smallest(model, lesson.part), Relearning.smallest(model, lesson.unrelated))
                    + verification.heldBytes)
        }
    }

    func measure(_ verification: Verification, _ gates: [GateExpression], within budget: MemoryBudget) throws -> Relearned? {
        guard let steps = steps(gates), let lesson = try verification.lesson() else { return nil }
        let rest = MemoryBudget(bytes: budget.bytes - verification.heldBytes)
        let scratch = FilePath(Environment.value(of: "TMPDIR") ?? "/tmp")
        return try verification.relearned(lesson, steps: steps, rate: relearnRate) { model, examples in
            try Relearning(model, budget: rest, scratch: scratch).learn(examples, steps: steps, rate: relearnRate)
        }
    }
}
