/// Of what the models can do.
extension ReportTables {
    var tasks: ReportTable? {
        guard !findings.tasks.isEmpty else { return nil }
        func share(_ values: [Bool]?) -> String {
            values.map { (100 * Double($0.count { $0 }) / Double($0.count)).shown + " %" } ?? "–"
        }
        return ReportTable(
            title: "What do the models still know?",
            headings: [
                "task", "questions", "acc before", "after", "retrained", "95 % of the change", "gained", "lost", "acc_norm before", "after",
            ],
            rows: findings.tasks.map { task in
                [
                    task.name, "\(task.base.isRight.count)", share(task.base.isRight), share(task.edited.isRight),
                    share(task.retrained?.isRight),
                    task.interval.map { "\((100 * $0.low).shown) to \((100 * $0.high).shown)" } ?? "–", "\(task.gained)", "\(task.lost)",
                    share(task.base.isRightByCharacters), share(task.edited.isRightByCharacters),
                ]
            },
            note:
                "Questions as lm-evaluation-harness asks them, without examples: right where the likeliest answer is; acc_norm divides its "
                + "log-likelihood by its length. The interval is of the difference, in points, by a bootstrap over questions.")
    }

    var completions: ReportTable? {
        guard !findings.completions.isEmpty else { return nil }
        func row(_ text: TextCompletions, _ model: String, _ completions: [Completion]) -> [String] {
            func mean(_ values: [Double]) -> String { (values.reduce(0, +) / Double(values.count)).shown }
            let written = WrittenText(completions)
            return [
                "\(text.name), \(model)", "\(completions.count)", "\(completions.count(where: \.isExact))",
                mean(completions.map(\.rouge.recall)), mean(completions.map(\.repetition)), mean(completions.compactMap(\.baseLoss)),
                written.distinct(2)?.shown ?? "–", (100 * written.longestRepeat).shown + " %", (100 * written.nonText).shown + " %",
                written.compression.shown,
            ]
        }
        return ReportTable(
            title: "What do the models write?",
            headings: [
                "text", "records", "exact", "ROUGE-L recall", "repetition", "loss in the base", "distinct pairs", "longest repeat",
                "no text",
                "compression",
            ],
            rows: findings.completions.flatMap { text in
                [row(text, "base", text.base), row(text, "edited", text.edited)]
                    + (text.retrained.map { [row(text, "retrained", $0)] } ?? [])
            },
            note:
                "Completions of records' beginnings. Repetition: the share of runs of four tokens that were written before. Gibberish shows in "
                + "a high loss in the base, babble in few distinct pairs of tokens, in a long part of each that comes twice, and in text that zlib "
                + "makes many times smaller."
        )
    }

    var onion: ReportTable? {
        guard let onion = findings.onion else { return nil }
        let unit = onion.measure == .exposure ? "exposure, in bits" : "extraction strength"
        return ReportTable(
            title: "Was anything else laid bare?", headings: ["record", "\(unit), before", "after", "rise"],
            rows: onion.records.prefix(20).map { ["\($0.index + 1)", $0.base.shown, $0.edited.shown, $0.rise.shown] },
            note:
                "Records that were not to be forgotten, the most exposed first, 20 at most; \(onion.laidBare) of \(onion.records.count) rose by "
                + "\(onion.measure == .exposure ? "a bit" : "a tenth") or more.")
    }

    var extraction: ReportTable? {
        guard let extraction = findings.extraction else { return nil }
        return ReportTable(
            title: "How much do the models write by themselves?", headings: ["text", "records", "base", "edited", "retrained"],
            rows: extraction.texts.map { text in
                [
                    text.name, "\(text.records)", text.values[0].shown, text.values[1].shown,
                    text.values.count > 2 ? text.values[2].shown : "–",
                ]
            },
            note:
                "Extraction likelihood: of what is written greedily from the beginnings of records, the share in runs of \(extraction.length) tokens "
                + "that the rest of the record has too.")
    }

    var utility: ReportTable? {
        guard let utility = findings.utility else { return nil }
        let models = ["base", "edited", "retrained"].prefix(utility.sets[0].scores.count)
        return ReportTable(
            title: "TOFU's model utility", headings: ["set, model", "probability", "ROUGE-L recall", "truth ratio"],
            rows: utility.sets.flatMap { set in
                zip(models, set.scores).map { ["\(set.name), \($0)"] + $1.values.map(\.shown) }
            } + models.enumerated().map { ["all, \($1)", utility.value($0).shown, "", ""] },
            note: "All: the harmonic mean of every figure of a model.")
    }

    var relearning: ReportTable? {
        guard let relearned = findings.relearned else { return nil }
        func row(_ name: String, _ course: Relearned.Course) -> [String] {
            let (part, unrelated) = (relearned.recovery(course.afterPart, course), relearned.recovery(course.afterUnrelated, course))
            return [
                name, course.before.shown, course.afterPart.shown, (100 * part).shown + " %", course.afterUnrelated.shown,
                (100 * unrelated).shown + " %",
            ]
        }
        return ReportTable(
            title: "Does it come back where the model learns on?",
            headings: ["model", "loss before", "after the other half", "came back", "after general text", "came back"],
            rows: [["base", relearned.base.shown, "–", "–", "–", "–"], row("edited", relearned.edited)]
                + (relearned.retrained.map { [row("retrained", $0)] } ?? []),
            note:
                "\(relearned.steps) steps of gradient descent at rate \(relearned.rate.shown) on \(relearned.taught) records of the forget text, or as many "
                + "samples of general text; losses are of the \(relearned.tested) other records of the forget text.")
    }
}
