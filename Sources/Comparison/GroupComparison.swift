internal import Storage

/// Several tensors together.
package struct GroupComparison: Sendable {
    /// A layer's number or the kind of module.
    package let name: String
    package let tensors: Int
    /// Those that are not equal.
    package let different: Int
    /// Over the changed tensors that have numbers; nil where none has. What is equal was not read for sums, and does not enter.
    package let sums: DifferenceSums?
    /// Of the same tensors, to a BF16's precision; nil where it was not asked for.
    package let distribution: WeightDistribution?

    private init(_ name: String, _ members: [TensorComparison], _ values: PairValues?) {
        self.name = name
        tensors = members.count
        different = members.count { $0.status != .equal }
        distribution = values.map(WeightDistribution.init)
        let parts = members.compactMap(\.sums)
        sums = parts.isEmpty ? nil : parts.dropFirst().reduce(into: parts[0]) { $0.add($1) }
    }

    static func grouping<Key: Hashable>(
        _ tensors: [TensorComparison], by key: (TensorComparison) -> Key?, named name: (Key) -> String, values: (Key) -> PairValues?
    ) -> [(key: Key, group: GroupComparison)] {
        var (order, members): ([Key], [Key: [TensorComparison]]) = ([], [:])
        for tensor in tensors {
            guard let key = key(tensor) else { continue }
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(tensor)
        }
        return order.map { ($0, GroupComparison(name($0), members[$0] ?? [], values($0))) }
    }
}

/// The values of the changed tensors of each layer and kind.
struct GroupValues: Sendable {
    private(set) var layers: [Int: PairValues] = [:]
    private(set) var kinds: [ByteName: PairValues] = [:]

    /// The most groups of either sort: each takes 1.5 MiB, and names are strangers'. What comes later has no distribution.
    private static let limit = 160

    mutating func add(_ values: PairValues, of name: String) {
        let place = TensorPlace(name)
        if let layer = place.layer { Self.add(values, to: &layers, layer) }
        Self.add(values, to: &kinds, ByteName(place.kind))
    }

    private static func add<Key: Hashable>(_ values: PairValues, to groups: inout [Key: PairValues], _ key: Key) {
        guard groups[key] != nil || groups.count < limit else { return }
        groups[key, default: .coarse].addCounts(values)
        groups[key]?.moments.add(values.moments)
    }
}
