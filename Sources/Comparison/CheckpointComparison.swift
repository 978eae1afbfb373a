package import Checkpoints
internal import Storage
internal import Tensors

/// Two models' tensors, name by name.
package struct CheckpointComparison: Sendable {
    /// In the order of the names' bytes, whatever the containers and their order.
    package let tensors: [TensorComparison]

    private let groups: GroupValues

    /// Whether both hold the same tensors: names, dtypes, shapes and bytes.
    package var isIdentical: Bool { tensors.allSatisfy { $0.status == .equal } }

    /// - Parameter progress: gets the bytes compared and those there are.
    package init(
        _ before: ConversionSource, _ after: ConversionSource, _ needs: ComparisonNeeds = ComparisonNeeds(),
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws {
        var counterparts: [ByteName: TensorDescription] = [:]
        for tensor in after.tensors { counterparts[ByteName(tensor.name)] = tensor }
        let total = before.tensors.reduce(0) { $0 + $1.byteCount }
        var (tensors, done, groups): ([TensorComparison], Int, GroupValues) = ([], 0, GroupValues())
        // In the order they are stored, which is the disk's.
        for old in before.tensors {
            guard let new = counterparts.removeValue(forKey: ByteName(old.name)) else {
                tensors.append(TensorComparison(old, nil, .removed))
                continue
            }
            let comparer = TensorComparer(try ComparedTensor(old, of: before), try ComparedTensor(new, of: after), needs)
            tensors.append(try comparer.compare(&groups))
            done += old.byteCount
            progress(done, total)
        }
        tensors += counterparts.values.map { TensorComparison(nil, $0, .added) }
        self.groups = groups
        self.tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}

/// What is asked for beside the sums.
package struct ComparisonNeeds: Sendable {
    /// Histograms, moments and distances of the distributions.
    package var distributions = false
    /// The largest singular values of each difference.
    package var spectra = false
    /// Power laws in the tails of each side's spectrum.
    package var tails = false
    /// What random projections are drawn from.
    package var seed: UInt64 = 0
    /// What the process may take, in bytes: spectra that would need more are left out.
    package var memory = 4 << 30

    package init() {}
}

extension CheckpointComparison {
    /// By layer, in the order of their numbers; what is in no layer is left out.
    package var layers: [GroupComparison] {
        GroupComparison.grouping(tensors, by: \.place.layer) {
            "\($0)"
        } values: {
            groups.layers[$0]
        }.sorted { $0.key < $1.key }.map(\.group)
    }

    /// By kind of module, in the order of the first tensor of each.
    package var kinds: [GroupComparison] {
        GroupComparison.grouping(tensors, by: { ByteName($0.place.kind) }) {
            $0.text
        } values: {
            groups.kinds[$0]
        }.map(\.group)
    }
}
