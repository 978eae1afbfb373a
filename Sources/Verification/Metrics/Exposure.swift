internal import Glibc
internal import Storage

/// How far a canary stands out among its candidates in one model (Carlini et al. 2019): log2 of the space's size over the rank of its
/// loss. 0 bits: as any other; as many bits as the space has: the likeliest of all.
package struct Exposure: Sendable {
    /// The rank's way: among all candidates, or among those drawn, of which no more can be told than log2 of their number.
    package enum Method: String, Sendable { case exact, sampled }

    package let method: Method
    /// In bits.
    package let bits: Double
    /// Whether no candidate is as likely: then the exposure is at least this.
    package let isAtLimit: Bool
    /// By the tail of a skew-normal distribution fitted to the candidates' losses, in bits; nil where they have no spread.
    package let extrapolated: Double?
    /// The largest distance between the fitted distribution and that of the candidates (Kolmogorov and Smirnov): above some 1.36 / sqrt(n) the
    /// extrapolation is not to be trusted.
    package let fitDistance: Double?

    /// From the loss of the canary and of its candidates, summed over their tokens, in nats.
    package init(loss: Double, candidates: [Double], isExhaustive: Bool) {
        method = isExhaustive ? .exact : .sampled
        // What is as likely stands before it: a model that tells nothing apart gives 0 bits.
        let before = loss.isNaN ? candidates.count : candidates.count { $0 <= loss }
        isAtLimit = before == 0
        bits = log2(Double(candidates.count + 1)) - log2(Double(before + 1))
        let fit = SkewNormal(momentsOf: candidates)
        extrapolated = fit.map { -$0.logCumulative(loss) / M_LN2 }
        fitDistance = fit.map { fit in
            let count = Double(candidates.count)
            return candidates.sorted().enumerated().reduce(0.0) { most, element in
                let expected = exp(fit.logCumulative(element.element))
                return max(most, abs(expected - Double(element.offset) / count), abs(expected - Double(element.offset + 1) / count))
            }
        }
    }

    var json: JSONValue {
        .members([
            "exposure": .number(bits), "at_limit": .boolean(isAtLimit), "extrapolated": extrapolated.map(JSONValue.number) ?? .null,
            "fit_distance": fitDistance.map(JSONValue.number) ?? .null,
        ])
    }
}

/// Exposures of canaries in both models.
package struct CanaryExposures: Sendable {
    /// One canary.
    package struct Canary: Sendable {
        package let space: CanarySpace
        package let base: Exposure
        package let edited: Exposure
        package let retrained: Exposure?
    }

    package let canaries: [Canary]
    /// How many candidates each was compared with, at most.
    package let candidates: Int

    package init(_ canaries: [Canary], candidates: Int) {
        self.canaries = canaries
        self.candidates = candidates
    }

    var json: JSONValue {
        .members([
            "candidates": .integer(candidates), "space_bits": .number(canaries.map(\.space.bits).min() ?? .nan),
            "base": summary(canaries.map(\.base)), "edited": summary(canaries.map(\.edited)),
            "retrained": canaries.allSatisfy { $0.retrained != nil } ? summary(canaries.compactMap(\.retrained)) : .null,
            "canaries": .array(
                canaries.enumerated().map { index, canary in
                    .members([
                        "index": .integer(index), "space_bits": .number(canary.space.bits), "method": .string(canary.base.method.rawValue),
                        "base": canary.base.json, "edited": canary.edited.json, "retrained": canary.retrained?.json ?? .null,
                    ])
                }),
        ])
    }

    private func summary(_ exposures: [Exposure]) -> JSONValue {
        func members(_ values: [Double]) -> [JSONValue] {
            [.number(values.reduce(0, +) / Double(values.count)), .number(values.max() ?? .nan)]
        }
        let (ranked, extrapolated) = (members(exposures.map(\.bits)), members(exposures.compactMap(\.extrapolated)))
        return .members([
            "mean": ranked[0], "max": ranked[1], "at_limit": .integer(exposures.count(where: \.isAtLimit)),
            "mean_extrapolated": extrapolated[0], "max_extrapolated": extrapolated[1],
        ])
    }
}
