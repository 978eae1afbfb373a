internal import Glibc
internal import Storage

/// How far an edited model's next-token distributions are from the base's on one text: what llama.cpp's `--kl-divergence` reports.
package struct DistributionDivergence: Sendable {
    /// KL(base || edited) of every scored token, in nats, in records' order.
    package let divergences: [Double]
    /// What is left of the mean by chance: percentiles of a bootstrap over records; nil for a single record.
    package let interval: ConfidenceInterval?
    /// Share of scored tokens at which both have the same likeliest token.
    package let agreement: Double
    /// Probability of the true token in the edited model minus that in the base, for every scored token.
    package let probabilityChanges: [Double]

    /// From each record's divergences and agreements, and both models' scores of it.
    package init(divergences: [[Float]], agreements: [[Bool]], base: TextScore, edited: TextScore, seed: UInt64) {
        self.divergences = divergences.flatMap { $0.map(Double.init) }
        interval = PairedBootstrap(seed: seed).interval(
            tokens: divergences.map(\.count), values: divergences.map { $0.reduce(0) { $0 + Double($1) } })
        let all = agreements.joined()
        agreement = Double(all.count { $0 }) / Double(all.count)
        probabilityChanges = zip(base.records, edited.records).flatMap { before, after in
            zip(before.losses, after.losses).map { probability(of: $1) - probability(of: $0) }
        }
    }

    var members: [(name: String, value: JSONValue)] {
        let agreementError = (agreement * (1 - agreement) / Double(divergences.count - 1)).squareRoot()
        return [
            ("kl_divergence", klDivergence), ("top1_agreement", .number(agreement)), ("top1_agreement_stderr", .number(agreementError)),
            ("probability_change", probabilityChange),
        ]
    }

    private var klDivergence: JSONValue {
        let (order, sample) = (OrderStatistics(divergences), SampleMean(divergences))
        let members: [(name: String, value: JSONValue)] = [
            ("mean", .number(sample.mean)), ("p99", .number(order.quantile(0.99))), ("max", .number(order.largest)),
            ("stderr", .number(sample.standardError)), ("ci95", ConfidenceInterval.json(interval)),
        ]
        let places = [("p99_9", 0.999), ("p95", 0.95), ("p90", 0.9), ("median", 0.5), ("p10", 0.1), ("p5", 0.05), ("p1", 0.01), ("min", 0)]
        return .object(JSONObject(members: members + places.map { ($0.0, .number(order.quantile($0.1))) }))
    }

    private var probabilityChange: JSONValue {
        let (order, sample) = (OrderStatistics(probabilityChanges), SampleMean(probabilityChanges))
        let squares = SampleMean(probabilityChanges.map { $0 * $0 })
        let rms = squares.mean.squareRoot()
        let members: [(name: String, value: JSONValue)] = [
            ("mean", .number(sample.mean)), ("stderr", .number(sample.standardError)), ("rms", .number(rms)),
            // The error of a square root, to first order.
            ("rms_stderr", .number(rms > 0 ? squares.standardError / rms / 2 : 0)), ("max", .number(order.largest)),
        ]
        let places = [
            ("p99_9", 0.999), ("p99", 0.99), ("p95", 0.95), ("p90", 0.9), ("p75", 0.75), ("median", 0.5), ("p25", 0.25), ("p10", 0.1),
            ("p5", 0.05), ("p1", 0.01), ("p0_1", 0.001), ("min", 0),
        ]
        return .object(JSONObject(members: members + places.map { ($0.0, .number(order.quantile($0.1))) }))
    }
}

private func probability(of loss: Float) -> Double { exp(-Double(loss)) }
