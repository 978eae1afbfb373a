internal import Glibc
internal import Storage

/// Whether the edited model still is one: a gate besides those that are given, for a model that says nothing any more forgets everything.
package struct VitalSign: Sendable {
    /// The loss of a model that guesses every token evenly, in nats a token.
    package let guessing: Double
    /// The loss on general text from which a model counts as dead: half-way from the base's to guessing; of a base that does no better than
    /// guessing, a tenth above its own.
    package let limit: Double

    package init(retain: TextComparison, vocabularySize: Int) {
        let base = retain.base.nllPerToken
        guessing = log(Double(vocabularySize))
        limit = max((base + guessing) / 2, 1.1 * base)
    }

    /// What must hold.
    package static let gate = try? GateExpression(parsing: "retain.edited.nll_per_token < metrics.vital_sign.limit")
    package static let reason = "the model is alive: it does better on general text than half-way from the base to guessing"

    var json: JSONValue { .members(["guessing": .number(guessing), "limit": .number(limit)]) }
}

extension GateResult {
    /// What the gate holds where it passes; nil of one of the user's own.
    func reason(_ policy: Policy?) -> String? {
        expression == VitalSign.gate?.text ? VitalSign.reason : policy?.reason(of: expression)
    }
}
