/// What is added up over pairs of elements, a before and b after, d = b - a: enough for every statistic of a tensor, and of
/// several tensors together.
///
/// Elements and changes are counted over all pairs; everything else over the pairs of which both are finite.
package struct DifferenceSums: Sendable, Equatable {
    package var elements = 0
    /// Pairs that differ in their stored bits; of different dtypes, in their values.
    package var changed = 0
    /// Pairs of finite elements.
    package var compared = 0
    package var before = NonFinite()
    package var after = NonFinite()
    /// Distances in units in the last place of the stored dtype (`StoredChanges`); nil where the dtypes differ.
    package var ulps: Ulps? = Ulps()
    /// The largest |d|.
    package var largest = 0.0
    /// Sums of d, |d|, d^2, a^2, b^2, a b and a d.
    package var difference = 0.0
    package var magnitude = 0.0
    package var squares = 0.0
    package var beforeSquares = 0.0
    package var afterSquares = 0.0
    package var product = 0.0
    package var alignment = 0.0

    package struct NonFinite: Sendable, Equatable {
        package var nan = 0
        package var infinite = 0

        mutating func add(_ other: NonFinite) {
            nan += other.nan
            infinite += other.infinite
        }
    }

    package struct Ulps: Sendable, Equatable {
        package var sum = 0.0
        package var largest = 0

        mutating func add(_ other: Ulps) {
            sum += other.sum
            largest = max(largest, other.largest)
        }
    }

    package init() {}

    package mutating func add(_ other: DifferenceSums) {
        elements += other.elements
        changed += other.changed
        compared += other.compared
        before.add(other.before)
        after.add(other.after)
        if let theirs = other.ulps { ulps?.add(theirs) } else { ulps = nil }
        largest = max(largest, other.largest)
        difference += other.difference
        magnitude += other.magnitude
        squares += other.squares
        beforeSquares += other.beforeSquares
        afterSquares += other.afterSquares
        product += other.product
        alignment += other.alignment
    }
}

extension DifferenceSums {
    package var changedShare: Double? { share(Double(changed), of: elements) }
    /// Over the changed pairs.
    package var meanUlps: Double? { ulps.flatMap { share($0.sum, of: changed) } }
    package var maxAbs: Double? { compared > 0 ? largest : nil }
    package var mean: Double? { share(difference, of: compared) }
    package var meanAbs: Double? { share(magnitude, of: compared) }
    /// sqrt(mean d^2)
    package var rms: Double? { share(squares, of: compared)?.squareRoot() }
    /// |d| / |a|; nil where a is 0 and d is not.
    package var relativeL2: Double? {
        guard compared > 0 else { return nil }
        return squares == 0 ? 0 : beforeSquares > 0 ? (squares / beforeSquares).squareRoot() : nil
    }
    package var cosine: Double? { cosineDistance.map { 1 - $0 } }

    /// 1 - a b / (|a| |b|), to a few millionths of the square of `relativeL2`: almost parallel tensors lose no digits to the subtraction.
    package var cosineDistance: Double? {
        guard beforeSquares > 0, afterSquares > 0 else { return nil }
        // Of little use where one side is much longer.
        guard max(beforeSquares, afterSquares) < 16 * min(beforeSquares, afterSquares) else {
            return max(0, 1 - product / beforeSquares.squareRoot() / afterSquares.squareRoot())
        }
        // b stands beside a as far as d is not along it.
        let beside = max(0, squares - alignment * alignment / beforeSquares)
        let along = (beforeSquares + alignment) / beforeSquares.squareRoot()
        let length = (along * along + beside).squareRoot()
        return along > 0 ? beside / (length * (length + along)) : 1 - along / length
    }

    /// Whether there are other numbers of elements after that are not finite than before.
    package var changesNonFinite: Bool { before != after }

    private func share(_ value: Double, of count: Int) -> Double? { count > 0 ? value / Double(count) : nil }
}
