internal import Glibc
internal import Storage
internal import Surgery
internal import Verification

/// What an edit did, as a report and as lines for people.
struct EditReport {
    let plan: EditPlan
    let outcome: EditOutcome
    let prefix: Int32?
    let budget: Int?
    /// The digest of the patch's file; nil where none was asked for or nothing was written.
    var patch: SHA256Digest?
    /// The forget text's score in the written file, the file's content digest, and where it is; nil where nothing was written.
    var written: (score: TextScore, digest: SHA256Digest, path: String)?

    var members: [(name: String, value: JSONValue)] {
        let recipe = plan.recipe
        return [
            ("method", .string(recipe.method.rawValue)),
            ("curvature", .string(recipe.curvature.name)),
            ("block", recipe.curvature.block.map(JSONValue.string) ?? .null),
            ("prefix", prefix.map { .integer(Int($0)) } ?? .null),
            ("target_nll", .number(outcome.target)),
            ("retain_bound", .number(recipe.retainBound)),
            ("parameters_edited", .integer(outcome.isEdited ? outcome.entries : 0)),
            ("rounds", .array(outcome.rounds.map(member))),
            ("ending", .string(outcome.ending.rawValue)),
            ("frontier", frontier),
            ("records", .array(outcome.records.map(member))),
            ("forget_nll_written", written.map { .number($0.score.meanRecordLoss) } ?? .null),
            ("tensors_edited", .array(outcome.isEdited ? outcome.parameters.map(JSONValue.string) : [])),
            (
                "memory",
                .members([
                    "budget_bytes": budget.map { .integer($0) } ?? .null, "planned_peak_bytes": .integer(plan.plannedPeak),
                    "measured_peak_bytes": .integer(ProcessAccount.peakMemory),
                ])
            ),
            ("work", work),
            ("patch_file_sha256", patch.map { .string($0.description) } ?? .null),
            ("output_sha256", written.map { .string($0.digest.description) } ?? .null),
        ]
    }

    /// Where the time went; bytes as the process's own account has them, scratch files among them.
    private var work: JSONValue {
        let (meter, traffic) = (plan.meter, ProcessAccount.traffic)
        let groups = meter.seconds.sorted { (Int($0.key) ?? .max, $0.key) < (Int($1.key) ?? .max, $1.key) }
        let passes = groups.reduce(0) { $0 + $1.value }
        return .members([
            "seconds": .number(meter.elapsed),
            "seconds_of_layers": .object(JSONObject(members: groups.map { ($0.key, .number($0.value)) })),
            "passes": .integer(meter.passes), "tokens": .integer(meter.tokens),
            "tokens_per_second": passes > 0 ? .number(Double(meter.tokens) / passes) : .null,
            "bytes_read": .integer(traffic.read), "bytes_written": .integer(traffic.written),
        ])
    }

    private func member(_ round: EditRound) -> JSONValue {
        .members([
            "forget_nll_predicted": .number(round.forgetPredicted), "forget_nll": .number(round.forget),
            "keep_nll": round.keep.map(JSONValue.number) ?? .null, "retain_nll_predicted": .number(round.retainPredicted),
            "retain_nll": .number(round.retain), "step": .number(round.step), "allowed": .boolean(round.isAllowed),
        ])
    }

    private func member(_ record: EditOutcome.Record) -> JSONValue {
        .members([
            "role": .string(record.role.rawValue), "base_nll": .number(record.base), "nll_predicted": .number(record.predicted),
            "nll": .number(record.measured),
        ])
    }

    private var frontier: JSONValue {
        guard let (within, beyond) = outcome.frontier else { return .null }
        func member(_ point: EditOutcome.Tradeoff) -> JSONValue {
            .members(["forget_nll": .number(point.forget), "retain_ratio": .number(point.retainRatio)])
        }
        return .members(["within_bound": member(within), "beyond": member(beyond)])
    }

    func print() {
        Swift.print("round   forget predicted   measured     keep   retain predicted   measured     step")
        for (index, round) in outcome.rounds.enumerated() {
            Swift.print(
                column(index + 1, 5) + column(decimals(round.forgetPredicted, 3), 19) + column(decimals(round.forget, 3), 11)
                    + column(round.keep.map { decimals($0, 3) } ?? "-", 9) + column(decimals(round.retainPredicted, 4), 19)
                    + column(decimals(round.retain, 4), 11) + column(shortened(round.step), 9)
                    + (round.isAllowed ? "" : "  beyond the bound"))
        }
        if let (within, beyond) = outcome.frontier {
            Swift.print(
                "The target \(decimals(outcome.target, 3)) cannot be reached with the retain text within its bound of "
                    + "\(decimals(100 * plan.recipe.retainBound, 2)) %. Within it the forget text comes to \(decimals(within.forget, 3)) nats a token "
                    + "(retain perplexity \(percent(within.retainRatio))); going on brought it to \(decimals(beyond.forget, 3)) "
                    + "(\(percent(beyond.retainRatio))).")
            if plan.recipe.curvature != .identity {
                Swift.print("With a Fisher of more than \(plan.records.retain.count) samples (--samples) the same edit may cost it less.")
            }
        }
        let target = outcome.target.isFinite ? ", target \(decimals(outcome.target, 3))" : ""
        if let (score, _, path) = written {
            Swift.print(
                "\(outcome.ending.rawValue): the forget text is at \(decimals(score.meanRecordLoss, 3)) nats a token in the written file\(target); "
                    + "\(score.recited) records are still recited.")
            Swift.print("\(decimals(plan.meter.elapsed, 1)) s, \(plan.meter.tokens) tokens taken through the model, forward or back")
            Swift.print("peak memory \(ProcessAccount.peakMemory >> 20) MiB; written to \(path)")
        } else {
            Swift.print("\(outcome.ending.rawValue): nothing was written\(target); --best-effort writes the best edit within the bound.")
        }
    }

    /// Steps of Fisher Removal are some millionths.
    private func shortened(_ step: Double) -> String {
        guard step != 0, step.isFinite, abs(step) < 0.001 else { return decimals(step, 4) }
        let exponent = Int(log10(abs(step)).rounded(.down))
        return decimals(step * pow(10, -Double(exponent)), 2) + "e\(exponent)"
    }

    private func percent(_ ratio: Double) -> String { (ratio < 1 ? "" : "+") + decimals(100 * (ratio - 1), 2) + " %" }
}
