package import Checkpoints
internal import Tensors

/// What became of one tensor between two models.
package struct TensorComparison: Sendable {
    package enum Status: String, Sendable { case equal, changed, added, removed }

    package let name: String
    /// Nil of an added tensor.
    package let before: TensorDescription?
    /// Nil of a removed one.
    package let after: TensorDescription?
    package let status: Status
    /// Elements whose stored bits differ (of different dtypes: whose values differ); nil where elements have no counterparts.
    package let changedElements: Int?
    /// The numbers of a changed tensor; nil where there are none.
    package let sums: DifferenceSums?
    /// Nil where it was not asked for, or there are no numbers.
    package let distribution: WeightDistribution?
    package let spectra: TensorSpectra?
    /// Why a changed tensor has no numbers; nil where it has.
    package let remark: String?

    package var place: TensorPlace { TensorPlace(name) }
    package var elements: Int { (after ?? before)?.elementCount ?? 0 }

    init(
        _ before: TensorDescription?, _ after: TensorDescription?, _ status: Status, changedElements: Int? = nil,
        sums: DifferenceSums? = nil, distribution: WeightDistribution? = nil,
        spectra: TensorSpectra? = nil,
        remark: String? = nil
    ) {
        name = (after ?? before)?.name ?? ""
        (self.before, self.after, self.status) = (before, after, status)
        (self.changedElements, self.sums, self.remark) = (changedElements, sums, remark)
        (self.distribution, self.spectra) = (distribution, spectra)
    }

    /// Of a tensor that is the same on both sides: dtype, shape and every byte.
    static func equal(_ tensor: TensorDescription) -> TensorComparison { TensorComparison(tensor, tensor, .equal, changedElements: 0) }

    static func incomparable(_ before: TensorDescription, _ after: TensorDescription, _ remark: String) -> TensorComparison {
        TensorComparison(before, after, .changed, remark: remark)
    }
}
