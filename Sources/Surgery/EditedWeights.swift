package import Checkpoints
internal import Tensors

/// A checkpoint with an edit on it: base + (sum + scale * step), each part optional, rounded to the stored type: an edit is
/// what will be written, so that is what its rounds measure, while the sum itself is kept in Float.
package struct EditedWeights: WeightSource {
    package let base: Checkpoint
    package let sum: ParameterStore?
    package let step: ParameterStore?
    package let scale: Float

    private static let pieceElements = 1 << 16

    package init(_ base: Checkpoint, sum: ParameterStore?, step: ParameterStore? = nil, scale: Float = 0) {
        self.base = base
        self.sum = sum
        self.step = step
        self.scale = scale
    }

    package func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        try base.read(name, from: offset, into: &destination)
        let length = min(destination.count, Self.pieceElements)
        var change = Matrix(rows: 1, columns: length)
        var part = Matrix(rows: 1, columns: length)
        for start in stride(from: 0, to: destination.count, by: max(1, length)) {
            let range = start..<min(destination.count, start + length)
            guard try readChange(name, from: offset + start, count: range.count, into: &change, &part) else { break }
            var target = destination._mutatingExtracting(range)
            let elements = change.elements
            for index in target.indices { target[index] += elements[index] }
        }
        if let dtype = base.tensor(named: name)?.dtype { StoredScalar.round(&destination, to: dtype) }
    }

    /// The first numbers of `change` become sum + scale * step, to the bit what `ParameterStore.add` makes of it. False where there is no
    /// change.
    private func readChange(
        _ name: String, from offset: Int, count: Int, into change: inout Matrix, _ part: inout Matrix
    ) throws -> Bool {
        let (sum, step) = (sum?.contains(name) == true ? sum : nil, step?.contains(name) == true ? step : nil)
        guard sum != nil || step != nil else { return false }
        if let sum {
            var elements = change.mutableElements
            var here = elements._mutatingExtracting(0..<count)
            try sum.read(name, from: offset, into: &here)
        } else {
            change.fill(0)
        }
        guard let step else { return true }
        do {
            var elements = part.mutableElements
            var there = elements._mutatingExtracting(0..<count)
            try step.read(name, from: offset, into: &there)
        }
        var total = change.mutableElements
        let steps = part.elements
        for index in 0..<count { total[index] += scale * steps[index] }
        return true
    }
}
