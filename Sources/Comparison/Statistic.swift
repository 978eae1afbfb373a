/// A number that says how much a tensor changed: 0 where it did not, and the larger the more.
package enum Statistic: String, Sendable, CaseIterable {
    case changedElements = "changed_elements"
    case changedShare = "changed_share"
    case maxUlps = "max_ulps"
    case meanUlps = "mean_ulps"
    case maxAbs = "max_abs"
    case meanAbs = "mean_abs"
    case rms
    case relativeL2 = "relative_l2"
    case cosineDistance = "cosine_distance"
    case kolmogorovSmirnov = "ks"
    case wasserstein

    /// Whether it needs the distributions.
    package var needsDistribution: Bool { self == .kolmogorovSmirnov || self == .wasserstein }
}

extension TensorComparison {
    /// Nil where it cannot be computed.
    package func value(of statistic: Statistic) -> Double? {
        guard status != .equal else { return 0 }
        switch statistic {
        case .changedElements: return changedElements.map(Double.init)
        case .changedShare: return changedElements.flatMap { elements > 0 ? Double($0) / Double(elements) : nil }
        case .kolmogorovSmirnov: return distribution?.kolmogorovSmirnov
        case .wasserstein: return distribution?.wasserstein
        default: return sums?.value(of: statistic)
        }
    }

    /// Whether a bound on a statistic is broken: it is larger, or cannot be computed, or numbers became infinite or NaN or cease to be.
    package func exceeds(_ bound: Double, of statistic: Statistic) -> Bool {
        guard let value = value(of: statistic) else { return true }
        return value > bound || sums?.changesNonFinite ?? false
    }
}

extension DifferenceSums {
    fileprivate func value(of statistic: Statistic) -> Double? {
        switch statistic {
        case .changedElements: Double(changed)
        case .changedShare: changedShare
        case .maxUlps: changed == 0 ? 0 : ulps.map { Double($0.largest) }
        case .meanUlps: changed == 0 ? 0 : meanUlps
        case .maxAbs: maxAbs
        case .meanAbs: meanAbs
        case .rms: rms
        case .relativeL2: relativeL2
        case .cosineDistance: cosineDistance
        case .kolmogorovSmirnov, .wasserstein: nil
        }
    }
}
