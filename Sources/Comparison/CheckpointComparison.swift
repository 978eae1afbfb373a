package import Checkpoints
internal import Storage
internal import Tensors

/// Two models' tensors, name by name.
package struct CheckpointComparison: Sendable {
    /// In the order of the names' bytes, whatever the containers and their order.
    package let tensors: [TensorComparison]

    /// Whether both hold the same tensors: names, dtypes, shapes and bytes.
    package var isIdentical: Bool { tensors.allSatisfy { $0.status == .equal } }

    /// - Parameter progress: gets the bytes compared and those there are.
    package init(_ before: ConversionSource, _ after: ConversionSource, progress: (Int, Int) -> Void = { _, _ in }) throws {
        var counterparts: [ByteName: TensorDescription] = [:]
        for tensor in after.tensors { counterparts[ByteName(tensor.name)] = tensor }
        let total = before.tensors.reduce(0) { $0 + $1.byteCount }
        var (tensors, done): ([TensorComparison], Int) = ([], 0)
        // In the order they are stored, which is the disk's.
        for old in before.tensors {
            guard let new = counterparts.removeValue(forKey: ByteName(old.name)) else {
                tensors.append(TensorComparison(old, nil, .removed))
                continue
            }
            tensors.append(try TensorComparer(ComparedTensor(old, of: before), ComparedTensor(new, of: after)).compare())
            done += old.byteCount
            progress(done, total)
        }
        tensors += counterparts.values.map { TensorComparison(nil, $0, .added) }
        self.tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}

/// Several tensors together.
package struct GroupComparison: Sendable {
    /// A layer's number or the kind of module.
    package let name: String
    package let tensors: Int
    /// Those that are not equal.
    package let different: Int
    /// Over the changed tensors that have numbers; nil where none has. What is equal was not read for sums, and does not enter.
    package let sums: DifferenceSums?

    private init(_ name: String, _ members: [TensorComparison]) {
        self.name = name
        tensors = members.count
        different = members.count { $0.status != .equal }
        let parts = members.compactMap(\.sums)
        sums = parts.isEmpty ? nil : parts.dropFirst().reduce(into: parts[0]) { $0.add($1) }
    }

    static func grouping<Key: Hashable>(
        _ tensors: [TensorComparison], by key: (TensorComparison) -> Key?, named name: (Key) -> String
    ) -> [(key: Key, group: GroupComparison)] {
        var (order, members): ([Key], [Key: [TensorComparison]]) = ([], [:])
        for tensor in tensors {
            guard let key = key(tensor) else { continue }
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(tensor)
        }
        return order.map { ($0, GroupComparison(name($0), members[$0] ?? [])) }
    }
}

extension CheckpointComparison {
    /// By layer, in the order of their numbers; what is in no layer is left out.
    package var layers: [GroupComparison] {
        GroupComparison.grouping(tensors, by: \.place.layer) { String($0) }.sorted { $0.key < $1.key }.map(\.group)
    }

    /// By kind of module, in the order of the first tensor of each.
    package var kinds: [GroupComparison] {
        GroupComparison.grouping(tensors, by: { ByteName($0.place.kind) }) { $0.text }.map(\.group)
    }
}
