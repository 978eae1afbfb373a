import Checkpoints
import Comparison
import Storage
import SystemPackage
import Tensors
import TestSupport

/// A tensor to be written by hand.
struct MadeTensor {
    let description: TensorDescription
    let bytes: [UInt8]

    init(_ name: String, _ dtype: DType, _ shape: [Int], bytes: [UInt8]) {
        (description, self.bytes) = (TensorDescription(name: name, dtype: dtype, shape: shape), bytes)
    }

    init(_ name: String, _ values: [Float], shape: [Int]? = nil) { self.init(name, .f32, values, shape: shape) }

    init(_ name: String, _ dtype: DType, _ values: [Float], shape: [Int]? = nil) {
        var bytes = [UInt8](repeating: 0, count: values.count * dtype.bitWidth / 8)
        var span = bytes.mutableSpan
        StoredScalar.encode(values.span, as: dtype, into: &span)
        self.init(name, dtype, shape ?? [values.count], bytes: bytes)
    }
}

/// A checkpoint of such tensors, in one file.
func writeCheckpoint(_ tensors: [MadeTensor], to path: FilePath) throws {
    try write(SafetensorsLayout(tensors.map(\.description), metadata: nil).header + tensors.flatMap(\.bytes), to: path)
}

func comparison(_ before: FilePath, _ after: FilePath, _ needs: ComparisonNeeds = ComparisonNeeds()) throws -> CheckpointComparison {
    try CheckpointComparison(ConversionSource(Checkpoint(before)), ConversionSource(Checkpoint(after)), needs)
}

/// Compares two checkpoints of such tensors.
func comparison(
    _ before: [MadeTensor], _ after: [MadeTensor], _ needs: ComparisonNeeds = ComparisonNeeds()
) throws -> CheckpointComparison {
    try withScratchDirectory { directory in
        let (old, new) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"))
        try writeCheckpoint(before, to: old)
        try writeCheckpoint(after, to: new)
        return try comparison(old, new, needs)
    }
}

extension CheckpointComparison {
    subscript(name: String) -> TensorComparison? { tensors.first { $0.name == name } }
}

/// Whether two numbers agree to a relative error, or to an absolute one.
func agree(_ found: Double?, _ expected: Double, relative: Double, absolute: Double = 0) -> Bool {
    guard let found else { return false }
    return abs(found - expected) <= max(relative * abs(expected), absolute)
}
