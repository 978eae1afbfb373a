internal import Glibc

/// A way to guess from a model's scores of a record whether it was trained on: the higher the score, the likelier.
package enum MembershipAttack: String, Sendable, CaseIterable {
    /// How likely the record is: minus the mean loss.
    case loss
    /// The same over how much the record says: the bytes that zlib makes of what is scored.
    case zlib
    /// The mean of the least likely fifth of its tokens (Shi et al. 2024).
    case minK = "min_k"
    /// Of the least likely two fifths: MUSE's.
    case minK40 = "min_k_40"
    /// The mean of the fifth that is least likely beside what else could have come (Zhang et al. 2024).
    case minKPlusPlus = "min_k_plus_plus"
    /// How much likelier than in another model.
    case reference

    /// Nil where what it needs is not there: the text's bytes, or another model's score.
    package func score(_ record: RecordScore, compressedSize: Int?, reference: RecordScore?) -> Double? {
        switch self {
        case .loss: -record.meanLoss
        case .zlib: compressedSize.map { -record.meanLoss / Double($0) }
        case .minK: Self.least(0.2, of: record.losses.map { -$0 })
        case .minK40: Self.least(0.4, of: record.losses.map { -$0 })
        case .minKPlusPlus: Self.least(0.2, of: record.standardized)
        case .reference: reference.map { $0.meanLoss - record.meanLoss }
        }
    }

    /// The mean of the lowest part of the values, of one at least.
    private static func least(_ part: Double, of values: [Float]) -> Double {
        let count = max(1, Int(part * Double(values.count)))
        return values.sorted().prefix(count).reduce(0) { $0 + Double($1) } / Double(count)
    }
}
