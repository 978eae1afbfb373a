internal import Glibc
internal import Tensors

/// Attention with linear biases (arXiv 2108.12409): a key's position times its head's slope is added to its scores. That is
/// the distance to the query but for what is the same for all of a query's keys, which a softmax does not see.
package struct LinearBias: Sendable {
    package let slopes: [Float]
    /// Whether slopes and products are rounded to bfloat16.
    package let isRounded: Bool
    /// What the products are multiplied by.
    package let scale: Float

    /// Slopes 2^(-8/n), 2^(-16/n), … for n heads, n a power of two; otherwise those of the next lower power and, for the
    /// heads that are left, every other one of those of the next higher.
    package init(heads: Int, isRounded: Bool = false, scale: Float = 1) {
        var power = 1
        while 2 * power <= heads { power *= 2 }
        let first = (1...power).map { Float(pow(2, -8 * Double($0) / Double(power))) }
        let others = (0..<heads - power).map { Float(pow(2, -4 * Double(2 * $0 + 1) / Double(power))) }
        slopes = first + others
        self.isRounded = isRounded
        self.scale = scale
    }

    /// What is added to a head's scores, key by key.
    package func values(head: Int, keys: Range<Int>) -> [Float] {
        guard isRounded else { return keys.map { slopes[head] * Float($0) * scale } }
        var slope = [slopes[head]]
        Self.round(&slope)
        var products = keys.map { slope[0] * Float($0) }
        Self.round(&products)
        return products.map { $0 * scale }
    }

    private static func round(_ values: inout [Float]) {
        var span = values.mutableSpan
        StoredScalar.round(&span, to: .bf16)
    }
}
