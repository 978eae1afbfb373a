/// The sums over a block of pairs, a multiple of eight, added in lanes of Float: fast, and right where every number in it is ordinary.
///
/// A lane adds `stretch / 8` = 32 sums of two terms before it goes on in Double, so that the relative error of a sum of squares stays below
/// 34 * 2^-24 = 2e-6, and is some 1e-7 divided by the root of the number of stretches in practice.
extension DifferenceSums {
    private static let stretch = 256

    /// Of stored BF16 values, no more than 2^16.
    init(brain before: Span<UInt8>, _ after: Span<UInt8>) {
        self.init()
        elements = before.count / 2
        var (lanes, steps) = (DifferenceLanes(), StoredSteps())
        for octets in Self.stretches(of: elements) {
            before.forEachPair(with: after, octets, as: SIMD8<Int16>.self) { a, b in
                steps.add(a, b)
                lanes.add(Octet(brain: a), Octet(brain: b))
            }
            take(&lanes)
        }
        finish(lanes, steps.changes(of: elements))
        guard !takeProductsOfSmallChange() else { return }
        for octets in Self.stretches(of: elements) {
            var products = ProductLanes()
            before.forEachPair(with: after, octets, as: SIMD8<Int16>.self) { products.add(Octet(brain: $0), Octet(brain: $1)) }
            take(products)
        }
    }

    /// Of values that are or were made Float, stored or not.
    ///
    /// - Parameter changes: of the stored elements; nil where the dtypes differ.
    init<Element: BitwiseCopyable>(floats before: Span<Element>, _ after: Span<Element>, _ changes: StoredChanges?) {
        self.init()
        elements = before.count * MemoryLayout<Element>.size / 4
        var lanes = DifferenceLanes()
        for octets in Self.stretches(of: elements) {
            before.forEachPair(with: after, octets, as: Octet.self) { lanes.add($0, $1) }
            take(&lanes)
        }
        finish(lanes, changes)
        guard !takeProductsOfSmallChange() else { return }
        for octets in Self.stretches(of: elements) {
            var products = ProductLanes()
            before.forEachPair(with: after, octets, as: Octet.self) { products.add($0, $1) }
            take(products)
        }
    }

    /// Of stored BF16 values that are the same on both sides.
    init(unchangedBrain values: Span<UInt8>) {
        self.init()
        elements = values.count / 2
        for octets in Self.stretches(of: elements) {
            var squares = Octet.Half.zero
            values.forEachPair(with: values, octets, as: SIMD8<Int16>.self) { a, _ in squares += (Octet(brain: a) * Octet(brain: a)).folded
            }
            beforeSquares += Double(squares.sum())
        }
        finish(DifferenceLanes(), StoredChanges())
        _ = takeProductsOfSmallChange()
    }

    /// Whether nothing in the block was infinite, no number, or so large or small that squares left Float's range.
    var areOrdinary: Bool {
        // The least: where squares of 2^-63, still of full precision, make up the sum.
        func isOrdinary(_ sum: Double) -> Bool { sum.isFinite && sum >= 0x1p-100 }
        return isOrdinary(beforeSquares) && isOrdinary(afterSquares) && (isOrdinary(squares) || largest == 0)
    }

    /// The numbers of each stretch's octets.
    private static func stretches(of elements: Int) -> some Sequence<Range<Int>> {
        stride(from: 0, to: elements / 8, by: stretch / 8).lazy.map { $0..<min($0 + stretch / 8, elements / 8) }
    }

    private mutating func take(_ lanes: inout DifferenceLanes) {
        difference += Double(lanes.signed.sum())
        magnitude += Double(lanes.absolute.sum())
        squares += Double(lanes.square.sum())
        alignment += Double(lanes.along.sum())
        beforeSquares += Double(lanes.own.sum())
        lanes = DifferenceLanes(most: lanes.most)
    }

    private mutating func take(_ lanes: ProductLanes) {
        afterSquares += Double(lanes.square.sum())
        product += Double(lanes.across.sum())
    }

    private mutating func finish(_ lanes: DifferenceLanes, _ changes: StoredChanges?) {
        compared = elements
        largest = Double(lanes.most.max())
        changed = changes?.count ?? 0
        ulps = changes.map { Ulps(sum: Double($0.ulps), largest: $0.largest) }
    }

    /// Of a small change b's sums follow from a's, for b = a + d; of a large one they would lose digits, and false is returned.
    private mutating func takeProductsOfSmallChange() -> Bool {
        guard squares < beforeSquares / 16 else { return false }
        (afterSquares, product) = (beforeSquares + 2 * alignment + squares, beforeSquares + alignment)
        return true
    }
}

/// The sums of d, |d|, d^2, a d and a^2, each in four lanes, and the largest |d| of each.
private struct DifferenceLanes {
    var most = Octet.Half.zero
    var signed = Octet.Half.zero
    var absolute = Octet.Half.zero
    var square = Octet.Half.zero
    var along = Octet.Half.zero
    var own = Octet.Half.zero

    @inline(__always)
    mutating func add(_ a: Octet, _ b: Octet) {
        let d = b - a
        let m = d.magnitudes
        most = m.first.larger(m.second).larger(most)
        signed += d.folded
        absolute += m.folded
        square += (d * d).folded
        along += (a * d).folded
        own += (a * a).folded
    }
}

/// The sums of b^2 and a b.
private struct ProductLanes {
    var square = Octet.Half.zero
    var across = Octet.Half.zero

    @inline(__always)
    mutating func add(_ a: Octet, _ b: Octet) {
        square += (b * b).folded
        across += (a * b).folded
    }
}
