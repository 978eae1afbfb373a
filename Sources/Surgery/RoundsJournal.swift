internal import Storage
package import SystemPackage

/// What an edit's rounds have come to, kept durable in a directory after each of them, so that an edit that was cut off goes on after
/// its last round.
///
/// - `change-N.f32`: the sum of the steps of N rounds; `allowed.f32`: that of the last place within the retain bound, where it was left.
/// - `rounds.json`: all numbers of an `EditState`. It is replaced at once, and speaks of files that are whole.
package struct RoundsJournal: Sendable {
    private let directory: FilePath

    package init(in directory: FilePath) { self.directory = directory }

    private var table: FilePath { directory.appending("rounds.json") }
    private var allowed: FilePath { directory.appending("allowed.f32") }
    private func change(_ rounds: Int) -> FilePath { directory.appending("change-\(rounds).f32") }

    func save(_ state: EditState) throws {
        let count = state.rounds.count
        try state.change.save(as: change(count))
        if let point = state.allowed, FileSystem.kind(of: allowed) == nil { try point.change.save(as: allowed) }
        let file = try AtomicFile(table, replacing: true)
        try file.write(Array(Numbers(state).document.serialized().utf8), at: 0)
        try file.commit()
        FileSystem.remove(change(count - 1))
    }

    /// What was saved last for this plan; nil where there is nothing. Throws `SurgeryError.brokenState` for what cannot be gone on from.
    func restored(_ plan: EditPlan) throws -> EditState? {
        guard FileSystem.kind(of: table) != nil else { return nil }
        guard let numbers = Numbers(try InputFile(table).json()) else { throw SurgeryError.brokenState(table) }
        // The table speaks of files that were whole: without them, the edit was killed as it removed what it needed no longer.
        let needed = [change(numbers.rounds.count)] + (numbers.allowed == nil ? [] : [allowed])
        guard needed.allSatisfy({ FileSystem.kind(of: $0) != nil }) else { return nil }
        func store(_ path: FilePath) throws -> ParameterStore {
            let store = try plan.sweeps.store()
            try store.load(path)
            return store
        }
        func losses(_ now: [Double], _ predicted: [Double]) throws -> RowLosses {
            guard let losses = RowLosses(plan.rows, base: numbers.base, now: now, predicted: predicted) else {
                throw SurgeryError.brokenState(table)
            }
            return losses
        }
        var state = EditState(
            rounds: numbers.rounds, change: try store(change(numbers.rounds.count)), losses: try losses(numbers.now, numbers.predicted),
            retain: numbers.retain, predictedRetain: numbers.predictedRetain, unedited: numbers.unedited)
        if let there = numbers.allowed {
            state.allowed = EditOutcome.Point(
                change: try store(allowed), losses: try losses(there.now, there.predicted), retain: there.retain)
        }
        return state
    }
}

/// An `EditState` without its weights, as JSON. Losses are written as the bits of their Doubles: going on gives the same bytes as
/// having gone through, and a loss may be no number.
private struct Numbers {
    var base: [Double]
    var now: [Double]
    var predicted: [Double]
    var retain: Double
    var predictedRetain: Double
    var unedited: Double
    var rounds: [EditRound]
    var allowed: (now: [Double], predicted: [Double], retain: Double)?

    init(_ state: EditState) {
        (base, now, predicted) = (state.losses.base, state.losses.now, state.losses.predicted)
        (retain, predictedRetain, unedited, rounds) = (state.retain, state.predictedRetain, state.unedited, state.rounds)
        allowed = state.allowed.map { ($0.losses.now, $0.losses.predicted, $0.retain) }
    }

    var document: JSONValue {
        .members([
            "base": bits(base), "now": bits(now), "predicted": bits(predicted), "retain": bits([retain, predictedRetain, unedited]),
            "rounds": .array(
                rounds.map { round in
                    let numbers = [round.forgetPredicted, round.forget, round.retainPredicted, round.retain, round.step]
                    return .members([
                        "numbers": bits(numbers), "keep": round.keep.map { bits([$0]) } ?? .null, "allowed": .boolean(round.isAllowed),
                    ])
                }),
            "allowed": allowed.map { .members(["now": bits($0.now), "predicted": bits($0.predicted), "retain": bits([$0.retain])]) }
                ?? .null,
        ])
    }

    /// Nil for what is not such a document.
    init?(_ document: JSONValue) {
        guard let base = doubles(document["base"]), let now = doubles(document["now"]), let predicted = doubles(document["predicted"]),
            let means = doubles(document["retain"]), means.count == 3, let rounds = document["rounds"]?.array
        else { return nil }
        (self.base, self.now, self.predicted) = (base, now, predicted)
        (retain, predictedRetain, unedited) = (means[0], means[1], means[2])
        self.rounds = []
        for round in rounds {
            guard let numbers = doubles(round["numbers"]), numbers.count == 5, let isAllowed = round["allowed"]?.boolean else { return nil }
            self.rounds.append(
                EditRound(
                    forgetPredicted: numbers[0], forget: numbers[1], keep: doubles(round["keep"])?.first, retainPredicted: numbers[2],
                    retain: numbers[3], step: numbers[4], isAllowed: isAllowed))
        }
        guard let there = document["allowed"], !there.isNull else { return }
        guard let now = doubles(there["now"]), let predicted = doubles(there["predicted"]), let retain = doubles(there["retain"])?.first
        else { return nil }
        allowed = (now, predicted, retain)
    }
}

private func bits(_ numbers: [Double]) -> JSONValue { .array(numbers.map { .integer(Int(bitPattern: UInt($0.bitPattern))) }) }

private func doubles(_ value: JSONValue?) -> [Double]? {
    guard let array = value?.array else { return nil }
    let integers = array.compactMap(\.integer)
    return integers.count == array.count ? integers.map { Double(bitPattern: UInt64(UInt(bitPattern: $0))) } : nil
}
