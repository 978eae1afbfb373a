package import Tensors

/// What a tensor is before anything of it is read: its name, the type that holds its values without loss, its row-major shape.
package struct TensorDescription: Sendable, Equatable {
    package let name: String
    package let dtype: DType
    package let shape: [Int]

    package var elementCount: Int { shape.reduce(1, *) }

    package init(name: String, dtype: DType, shape: [Int]) { (self.name, self.dtype, self.shape) = (name, dtype, shape) }
}
