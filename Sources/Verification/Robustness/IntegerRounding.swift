package import Tensors

/// Round-to-nearest to signed integers of so many bits with one scale for each group of weights: what releases are quantised to.
///
///     w' = s round(w / s),  s = max |w| / (2^(bits-1) - 1) over the group, ties to even
///
/// A group is all weights of one output (per channel), or so many consecutive inputs of it.
package struct IntegerRounding: Sendable, Equatable {
    package let bits: Int
    /// Inputs that share a scale; nil: all of an output's.
    package let groupSize: Int?

    /// `int8` and `int4` per channel; `int8_128`, `int4_128`, `int8_32`, `int4_32` in groups. Nil for any other name.
    package init?(name: String) {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard let bits = ["int8": 8, "int4": 4][String(parts[0])] else { return nil }
        switch parts.count {
        case 1: groupSize = nil
        case 2 where parts[1] == "32" || parts[1] == "128": groupSize = Int(parts[1])
        default: return nil
        }
        self.bits = bits
    }

    package static let names = ["int8", "int8_128", "int8_32", "int4", "int4_128", "int4_32"]

    package var name: String { "int\(bits)" + (groupSize.map { "_\($0)" } ?? "") }

    /// What it is, for people.
    package var scheme: String {
        let groups = groupSize.map { "groups of \($0) inputs" } ?? "each output"
        return "round to nearest, symmetric, one scale for \(groups); the layers' linear maps"
    }

    /// Rounds a stored map's weights in place: all of it, or some whole outputs.
    package func round(_ weights: inout MutableMatrixView, isInputByOutput: Bool) {
        isInputByOutput ? roundColumns(&weights) : roundRows(&weights)
    }

    private var largest: Float { Float((1 << (bits - 1)) - 1) }

    /// Outputs x inputs: a group is a part of a row.
    private func roundRows(_ weights: inout MutableMatrixView) {
        let (largest, size) = (largest, groupSize ?? weights.columns)
        RowParallel.rows(of: &weights, perBlock: 16) { range, rows in
            for index in range.indices {
                var row = rows.row(index - range.lowerBound)
                for start in stride(from: 0, to: row.count, by: max(1, size)) {
                    var group = row._mutatingExtracting(start..<min(row.count, start + size))
                    var most: Float = 0
                    for place in group.indices { most = max(most, abs(group[place])) }
                    let step = most / largest
                    guard step > 0, step.isFinite else { continue }
                    for place in group.indices { group[place] = step * (group[place] / step).rounded(.toNearestOrEven) }
                }
            }
        }
    }

    /// Inputs x outputs: a group is a part of a column.
    private func roundColumns(_ weights: inout MutableMatrixView) {
        let (largest, height, size, width) = (largest, weights.rows, groupSize ?? weights.rows, weights.columns)
        RowParallel.forEach((width + 63) / 64, writing: &weights) { block, shared in
            var tile = shared.tile(rows: 0..<height, columns: block * 64..<min(width, (block + 1) * 64))
            var steps = [Float](repeating: 0, count: tile.columns)
            for start in stride(from: 0, to: height, by: max(1, size)) {
                let group = start..<min(height, start + size)
                for column in steps.indices { steps[column] = 0 }
                for index in group {
                    let row = tile.row(index)
                    for column in row.indices { steps[column] = max(steps[column], abs(row[column])) }
                }
                for column in steps.indices { steps[column] /= largest }
                for index in group {
                    var row = tile.row(index)
                    for column in row.indices where steps[column] > 0 && steps[column].isFinite {
                        row[column] = steps[column] * (row[column] / steps[column]).rounded(.toNearestOrEven)
                    }
                }
            }
        }
    }
}
