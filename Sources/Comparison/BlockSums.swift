internal import Tensors

/// The sums over one block of pairs, added in lanes of Float: fast, and right where every number in it is ordinary.
///
/// A lane adds `stretch / 8` = 32 terms before it goes on in Double, so that the relative error of a sum of squares stays below
/// 34 * 2^-24 = 2e-6, and is some 1e-7 divided by the root of the number of stretches in practice.
struct BlockSums {
    private static let stretch = 256

    /// The largest |d| of each lane.
    private var most = Lanes.zero
    private(set) var difference = 0.0
    private(set) var magnitude = 0.0
    private(set) var squares = 0.0
    private(set) var beforeSquares = 0.0
    private(set) var afterSquares = 0.0
    private(set) var product = 0.0
    private(set) var alignment = 0.0

    init(_ before: Span<Float>, _ after: Span<Float>) {
        precondition(before.count == after.count)
        var start = 0
        while start < before.count {
            let range = start..<min(start &+ Self.stretch, before.count)
            let (a, b) = (before.extracting(range), after.extracting(range))
            addDifferences(a, b)
            addProducts(a, b)
            start = range.upperBound
        }
    }

    /// Of a block that is the same on both sides.
    init(unchanged values: Span<Float>) {
        var start = 0
        while start < values.count {
            let stretch = values.extracting(start..<min(start &+ Self.stretch, values.count))
            var partial = Lanes.zero
            var index = 0
            while index &+ 8 <= stretch.count {
                let a = stretch.lanes(index)
                partial += a * a
                index &+= 8
            }
            var total = partial.sum()
            while index < stretch.count { total += stretch[index] * stretch[index]; index &+= 1 }
            beforeSquares += Double(total)
            start &+= Self.stretch
        }
        (afterSquares, product) = (beforeSquares, beforeSquares)
    }

    /// The largest |d|.
    var largest: Float { most.max() }

    /// Whether nothing in the block was infinite, no number, or so large or small that squares left Float's range.
    var areOrdinary: Bool {
        // The least: where squares of 2^-63, still of full precision, make up the sum.
        func isOrdinary(_ sum: Double) -> Bool { sum.isFinite && sum >= 0x1p-100 }
        return isOrdinary(beforeSquares) && isOrdinary(afterSquares) && (isOrdinary(squares) || largest == 0)
    }

    private mutating func addDifferences(_ before: Span<Float>, _ after: Span<Float>) {
        var (most, signed, absolute, square, along) = (most, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var index = 0
        while index &+ 8 <= before.count {
            let a = before.lanes(index)
            let d = after.lanes(index) - a
            let m = d.magnitudes
            most.replace(with: m, where: m .> most)
            signed += d
            absolute += m
            square += d * d
            along += a * d
            index &+= 8
        }
        var (last, lastMagnitude, lastSquare, lastAlong) = (signed.sum(), absolute.sum(), square.sum(), along.sum())
        while index < before.count {
            let d = after[index] - before[index]
            last += d
            lastMagnitude += abs(d)
            lastSquare += d * d
            lastAlong += before[index] * d
            most[0] = max(most[0], abs(d))
            index &+= 1
        }
        self.most = most
        difference += Double(last)
        magnitude += Double(lastMagnitude)
        squares += Double(lastSquare)
        alignment += Double(lastAlong)
    }

    private mutating func addProducts(_ before: Span<Float>, _ after: Span<Float>) {
        var (aa, bb, ab) = (Lanes.zero, Lanes.zero, Lanes.zero)
        var index = 0
        while index &+ 8 <= before.count {
            let (a, b) = (before.lanes(index), after.lanes(index))
            aa += a * a
            bb += b * b
            ab += a * b
            index &+= 8
        }
        var (lastA, lastB, lastProduct) = (aa.sum(), bb.sum(), ab.sum())
        while index < before.count {
            let (a, b) = (before[index], after[index])
            lastA += a * a
            lastB += b * b
            lastProduct += a * b
            index &+= 1
        }
        beforeSquares += Double(lastA)
        afterSquares += Double(lastB)
        product += Double(lastProduct)
    }
}
