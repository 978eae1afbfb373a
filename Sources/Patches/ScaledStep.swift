internal import Checkpoints
internal import Storage
internal import SystemPackage
internal import Tensors

/// Part of the way from one stored tensor to another, or beyond: base + scale (result - base), in Float, rounded to nearest.
struct ScaledStep {
    private enum Obstacle: Error { case notFinite, overflow }

    private let scale: Float
    private let tensor: TensorDescription

    init(_ scale: Double, of tensor: TensorDescription) { (self.scale, self.tensor) = (Float(scale), tensor) }

    /// Blocks of the tensor, as stored before and after. What is the same on both sides stays as it is, to the bit. Throws `unscalable` where
    /// what changed is not finite on either side or would not be once stored.
    func blocks(_ before: [[UInt8]], _ after: [[UInt8]]) throws -> [[UInt8]] {
        let results = RowParallel.map(before.count) { block(before[$0], after[$0]) }
        return try results.map { result in
            switch result {
            case .success(let bytes): return bytes
            case .failure(.notFinite):
                throw PatchError.unscalable(name: tensor.name, reason: "has changes from or to what is not finite")
            case .failure(.overflow): throw Self.overflow(of: tensor)
            }
        }
    }

    static func overflow(of tensor: TensorDescription) -> PatchError {
        .unscalable(name: tensor.name, reason: "would hold values too large for \(tensor.dtype.rawValue) at that scale")
    }

    private func block(_ before: [UInt8], _ after: [UInt8]) -> Result<[UInt8], Obstacle> {
        let (dtype, width) = (tensor.dtype, tensor.dtype.bitWidth / 8)
        let count = before.count / width
        var (first, second) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        var old = first.mutableSpan, new = second.mutableSpan
        StoredScalar.decode(before.span, as: dtype, into: &old)
        StoredScalar.decode(after.span, as: dtype, into: &new)
        var isFinite = true
        for index in old.indices where old[index].bitPattern != new[index].bitPattern {
            isFinite = isFinite && old[index].isFinite && new[index].isFinite
            new[index] = old[index] + scale * (new[index] - old[index])
        }
        guard isFinite else { return .failure(.notFinite) }
        var bytes = after
        var target = bytes.mutableSpan
        for index in 0..<count where !new[index].isFinite && old[index].isFinite { return .failure(.overflow) }
        guard Rounder(.nearest, to: dtype, tensor: tensor.name).encode(new.span, from: 0, into: &target) else { return .failure(.overflow) }
        // A NaN's payload may not survive Float.
        for index in 0..<count where new[index].isNaN {
            for byte in index * width..<(index + 1) * width { target[byte] = before[byte] }
        }
        return .success(bytes)
    }
}
