internal import Tensors

/// Sums and maxima, eight lanes at once.
extension Span<Float> {
    func sum() -> Float {
        var partial = Lanes.zero
        var index = 0
        while index &+ 8 <= count { partial += lanes(index); index &+= 8 }
        var total = partial.sum()
        while index < count { total += self[index]; index &+= 1 }
        return total
    }

    func maximum() -> Float {
        var partial = Lanes(repeating: -.infinity)
        var index = 0
        while index &+ 8 <= count {
            let next = lanes(index)
            partial.replace(with: next, where: next .> partial)
            index &+= 8
        }
        var result = partial.max()
        while index < count { result = Swift.max(result, self[index]); index &+= 1 }
        return result
    }

    /// The inner product with a span of the same length.
    func dot(_ other: Span<Float>) -> Float {
        precondition(other.count == count)
        var partial = Lanes.zero
        var index = 0
        while index &+ 8 <= count { partial += lanes(index) * other.lanes(index); index &+= 8 }
        var total = partial.sum()
        while index < count { total += self[index] * other[index]; index &+= 1 }
        return total
    }

    /// The index of the largest element, the first where several are; 0 of an empty span.
    func indexOfMaximum() -> Int {
        let largest = maximum()
        for index in indices where self[index] == largest { return index }
        return 0
    }
}
