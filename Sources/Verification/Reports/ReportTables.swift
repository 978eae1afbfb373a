/// A report as tables for people, each of what was measured.
struct ReportTables {
    private let report: VerificationReport
    private let policy: Policy?

    init(_ report: VerificationReport, _ policy: Policy?) { (self.report, self.policy) = (report, policy) }

    var all: [ReportTable] { [gates] + measured }

    /// All but the gates.
    var measured: [ReportTable] {
        [texts, divergence]
            + [membership, exposures, onion, extraction, tasks, utility, completions, roundings, relearning, locality].compactMap { $0 }
    }

    var findings: VerificationFindings { report.findings }

    private var gates: ReportTable {
        ReportTable(
            title: "Gates", headings: ["gate", "left side", "", "why"],
            rows: report.gates.map { gate in
                [
                    gate.expression, gate.value?.shown ?? "not computed", gate.passed ? "passed" : "FAILED",
                    gate.reason(policy) ?? "",
                ]
            },
            note: "What could not be computed fails. " + (policy.map { "Policy \($0.name): \($0.description)" } ?? ""))
    }

    /// By role, in the order of the report.
    var comparisons: [(name: String, comparison: TextComparison)] {
        [("forget", findings.forget)] + (findings.keep.map { [("keep", $0)] } ?? []) + (findings.holdout.map { [("holdout", $0)] } ?? [])
            + [("retain", findings.retain)] + findings.others
    }

    private var texts: ReportTable {
        func interval(_ interval: ConfidenceInterval?) -> String { interval.map { "\($0.low.shown) to \($0.high.shown)" } ?? "–" }
        let hasRetrained = findings.forget.retrained != nil
        return ReportTable(
            title: "What the models make of each text",
            headings: ["text", "records", "loss before", "after"] + (hasRetrained ? ["retrained"] : [])
                + ["perplexity ratio", "95 %", "recited before", "after", "extraction before", "after"],
            rows: comparisons.map { name, row in
                let head = [name, "\(row.base.records.count)", row.base.nllPerToken.shown, row.edited.nllPerToken.shown]
                return head + (hasRetrained ? [row.retrained?.nllPerToken.shown ?? "–"] : [])
                    + [
                        row.ratio.shown, interval(row.interval), "\(row.base.recited)", "\(row.edited.recited)",
                        row.base.extractionStrength.shown, row.edited.extractionStrength.shown,
                    ]
            },
            note:
                "Loss is in nats a token. Forgotten text should cost about what the holdout cost before; general text and what was to be kept "
                + "should cost what they did. Recited: records whose every scored token is the likeliest. Extraction: the share of a record, from its end, "
                + "that is recited once what is before is given.")
    }

    private var divergence: ReportTable {
        ReportTable(
            title: "How the next-token distributions moved",
            headings: ["text", "KL mean", "median", "99 %", "largest", "same top token", "true token, rms change"],
            rows: comparisons.compactMap { name, row in
                guard let divergence = row.divergence else { return nil }
                let (order, changes) = (OrderStatistics(divergence.divergences), divergence.probabilityChanges)
                let rms = (changes.reduce(0) { $0 + $1 * $1 } / Double(changes.count)).squareRoot()
                return [
                    name, SampleMean(divergence.divergences).mean.shown, order.quantile(0.5).shown, order.quantile(0.99).shown,
                    order.largest.shown, (100 * divergence.agreement).shown + " %", rms.shown,
                ]
            }, note: "KL divergence of the edited model from the base, in nats a token.")
    }

    private var membership: ReportTable? {
        guard let membership = findings.membership else { return nil }
        func cell(_ attack: MembershipAttack, _ side: MembershipInference.Side) -> String {
            guard let area = membership.area(attack, side), let interval = area.interval else { return "–" }
            return "\(area.value.shown) (\(interval.low.shown) to \(interval.high.shown))"
        }
        let attacks = MembershipAttack.allCases.filter { membership.area($0, .edited) != nil }
        return ReportTable(
            title: "Can the forgotten be told from unseen text?", headings: ["attack", "base", "edited", "retrained"],
            rows: attacks.map { attack in [attack.rawValue] + MembershipInference.Side.allCases.map { cell(attack, $0) } },
            note: "Area under the curve, with its 95 % interval: 1 where the model knows the forgotten, 0.5 where it does not tell it from "
                + "unseen text, 0 where it was pushed away from it.")
    }

    private var exposures: ReportTable? {
        guard let exposures = findings.exposures else { return nil }
        func cell(_ exposure: Exposure?) -> String {
            guard let exposure else { return "–" }
            return (exposure.isAtLimit ? "≥ " : "") + exposure.bits.shown + (exposure.extrapolated.map { " (\($0.shown))" } ?? "")
        }
        let ranked = exposures.canaries.enumerated().sorted { $0.element.edited.bits > $1.element.edited.bits }
        return ReportTable(
            title: "How exposed are the secrets?", headings: ["record", "possible", "way", "base", "edited", "retrained"],
            rows: ranked.map { index, canary in
                [
                    "\(index + 1)", "2^\(canary.space.bits.shown)", canary.base.method.rawValue, cell(canary.base), cell(canary.edited),
                    cell(canary.retrained),
                ]
            },
            note:
                "In bits, the most exposed first: 0 for a secret like any other of its form, one more each time half as many are likelier. In "
                + "parentheses by the tail of a fitted distribution. \(exposures.candidates) candidates at most.")
    }

    private var roundings: ReportTable? {
        guard !findings.roundings.isEmpty else { return nil }
        return ReportTable(
            title: "Does it last when the weights are rounded?",
            headings: ["weights", "comes back", "forget loss before", "after", "recited", "retain ratio", "change kept"],
            rows: findings.roundings.map { rounding in
                let texts = Dictionary(uniqueKeysWithValues: rounding.texts)
                let forget = texts["forget"]
                return [
                    rounding.rounding.name, (100 * rounding.recovery).shown + " %", forget?.base.nllPerToken.shown ?? "–",
                    forget?.edited.nllPerToken.shown ?? "–", forget.map { "\($0.edited.recited)" } ?? "–",
                    texts["retain"]?.ratio.shown ?? "–",
                    (100 * rounding.change.energy).shown + " %",
                ]
            },
            note:
                "Comes back: how much of the forgetting is undone; below 0 the rounded model knows even less. Both models are rounded to nearest."
        )
    }

    private var locality: ReportTable? {
        guard let changes = findings.changes else { return nil }
        return ReportTable(
            title: "Which tensors were changed?", headings: ["", "tensors"],
            rows: [
                ["identical", "\(changes.identical)"], ["changed", "\(changes.changed.count)"], ["added", "\(changes.added.count)"],
                ["removed", "\(changes.removed.count)"], ["not declared by the edit", changes.undeclared.map { "\($0.count)" } ?? "–"],
            ],
            note: (changes.undeclared ?? []).isEmpty ? "" : "Not declared: \(changes.undeclared?.prefix(20).joined(separator: ", ") ?? "")."
        )
    }
}
