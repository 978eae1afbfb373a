package import Checkpoints
package import Storage
internal import Transformer

/// Everything that is measured of an edited model beside its base, one measurement after the other.
package struct Verification {
    var verifier: Verifier
    let encoder: RecordEncoder
    let texts: VerificationTexts
    let seed: UInt64
    /// Bytes that texts and their scores take.
    package internal(set) var heldBytes = 0
    let progress: VerificationProgress

    package init(
        _ verifier: Verifier, _ encoder: RecordEncoder, _ texts: VerificationTexts, seed: UInt64, progress: VerificationProgress
    ) {
        self.verifier = verifier
        self.encoder = encoder
        self.texts = texts
        self.seed = seed
        self.progress = progress
    }

    /// The models that are taught something again.
    package var taught: [LanguageModel] { Array(verifier.models.dropFirst()) }

    /// What a single sweep of each model tells.
    package func findings() throws -> VerificationFindings {
        progress.begin("scoring \(texts.all.map(\.name).joined(separator: ", "))")
        var comparisons = try verifier.compare(texts.all.map(\.text.examples), seed: seed, progress: progress.advance)
        if let retrained = verifier.retrained {
            for (index, score) in try score(texts.all.map(\.text), retrained).enumerated() { comparisons[index].retrained = score }
        }
        let found = named(comparisons)
        let roles = ["forget", "retain", "keep", "holdout"]
        func comparison(_ role: String) -> TextComparison? { found.first { $0.name == role }?.comparison }
        var findings = VerificationFindings(
            forget: found[0].comparison, retain: found[1].comparison, keep: comparison("keep"), holdout: comparison("holdout"),
            others: found.filter { !roles.contains($0.name) })
        findings.vitalSign = VitalSign(retain: findings.retain, vocabularySize: verifier.base.configuration.vocabularySize)
        if let unseen = texts.holdout, let holdout = findings.holdout {
            let references = try verifier.reference.map { try score([texts.forget, unseen], $0) }
            findings.membership = MembershipInference(
                members: findings.forget, memberSizes: texts.forget.compressedSizes, others: holdout, otherSizes: unseen.compressedSizes,
                references: references.map { ($0[0], $0[1]) })
        }
        return findings
    }

    /// How much likelier false answers are than true ones in each model.
    package func truthRatios(of answers: [PerturbedAnswers], named name: String) throws -> TruthRatios {
        let candidates = try answers.map { try encoder.examples($0.candidates, named: name) }
        let ratios = try verifier.models.map { model in
            progress.begin("scoring answers with \(model.path)")
            return try verifier.scorer(model).score(candidates, progress: progress.advance).map { score in
                TruthRatios.ratio(paraphrase: score.records[0], perturbed: score.records.dropFirst())
            }
        }
        return TruthRatios(base: ratios[0], edited: ratios[1], retrained: ratios.count > 2 ? ratios[2] : nil)
    }

    /// Which tensors differ. `declared` names those that may; nil where it was not said.
    package func changes(declared: [String]?) throws -> TensorChanges {
        progress.begin("comparing tensors")
        return try TensorChanges(verifier.base.checkpoint, verifier.edited.checkpoint, declared: declared)
    }

    private func score(_ texts: [VerifiedText], _ model: LanguageModel) throws -> [TextScore] {
        progress.begin("scoring with \(model.path)")
        return try verifier.scorer(model).score(texts.map(\.examples), progress: progress.advance)
    }

    /// What is left where both models are rounded.
    package func rounded(_ rounding: IntegerRounding, _ findings: VerificationFindings) throws -> RoundingLoss {
        progress.begin("scoring with \(rounding.name) weights")
        let comparisons = named(
            try verifier.compare(texts.all.map(\.text.examples), rounded: rounding, seed: seed, progress: progress.advance))
        return RoundingLoss(
            rounding, forget: findings.forget, rounded: comparisons, change: try ChangeKept(verifier.base, verifier.edited, rounding))
    }

    /// How exposed canaries are in both. Throws `noDigits` for a record that has no other candidate.
    package func exposures(of canaries: [TextRecord], named name: String, candidates most: Int) throws -> CanaryExposures {
        var random = SplitMix64(seed: seed)
        let spaces = try canaries.enumerated().map { index, record in
            guard let space = CanarySpace(record) else { throw VerificationError.noDigits(name, record: index) }
            return space
        }
        // The canary itself, then its candidates.
        let examples = try spaces.map { space in
            try encoder.examples([space.record] + space.candidates(atMost: most, &random), named: name)
        }
        let exposures = try verifier.models.map { model in
            progress.begin("scoring \(examples.reduce(0) { $0 + $1.count }) candidates of \(canaries.count) canaries with \(model.path)")
            let scores = try verifier.scorer(model).score(examples, progress: progress.advance)
            return zip(spaces, scores).map { space, score in
                let losses = score.records.map(\.nll)
                return Exposure(loss: losses[0], candidates: Array(losses.dropFirst()), isExhaustive: space.isEnumerable(atMost: most))
            }
        }
        return CanaryExposures(
            spaces.indices.map { index in
                .init(
                    space: spaces[index], base: exposures[0][index], edited: exposures[1][index],
                    retrained: exposures.count > 2 ? exposures[2][index] : nil)
            }, candidates: most)
    }

    private func named(_ comparisons: [TextComparison]) -> [(name: String, comparison: TextComparison)] {
        zip(texts.all, comparisons).map { text, comparison in
            var comparison = comparison
            comparison.bytes = text.text.bytes
            return (text.name, comparison)
        }
    }
}

/// What hears how far the work is: a new piece of work begins; so many of so many tokens of it are done.
package struct VerificationProgress {
    package let begin: (String) -> Void
    package let advance: (Int, Int) -> Void

    package init(begin: @escaping (String) -> Void = { _ in }, advance: @escaping (Int, Int) -> Void = { _, _ in }) {
        self.begin = begin
        self.advance = advance
    }
}
