internal import Checkpoints
internal import Storage
internal import Synchronization
internal import Tensors

/// Compares a tensor of one model with its counterpart in the other, in runs of pieces that pass by: neither is ever held whole.
struct TensorComparer {
    let before: ComparedTensor
    let after: ComparedTensor

    /// Elements of a piece, which is read at once.
    static let pieceSize = 1 << 19
    /// Elements of a run, the work that one thread takes at once.
    private static let runSize = 1 << 20

    let needs: ComparisonNeeds

    init(_ before: ComparedTensor, _ after: ComparedTensor, _ needs: ComparisonNeeds) {
        (self.before, self.after, self.needs) = (before, after, needs)
    }

    /// - Parameter groups: get the values of a tensor that changed, where they are asked for.
    func compare(_ groups: inout GroupValues) throws -> TensorComparison {
        let (old, new) = (before.description, after.description)
        guard old.shape == new.shape else {
            return .incomparable(old, new, "the shapes differ: \(old.shape) and \(new.shape)")
        }
        if old.dtype == new.dtype {
            if before.isSamePart(as: after) { return .equal(new) }
            if try areEqual() { return .equal(new) }
        }
        guard old.dtype.isComputable && new.dtype.isComputable else {
            let changed = old.dtype == new.dtype ? try changedElements() : nil
            let dtypes = old.dtype == new.dtype ? "\(old.dtype.rawValue) is" : "\(old.dtype.rawValue) and \(new.dtype.rawValue) are"
            return TensorComparison(old, new, .changed, changedElements: changed, remark: "\(dtypes) not computed with")
        }
        let (sums, values) = try sums()
        if let values { groups.add(values, of: new.name) }
        return TensorComparison(
            old, new, .changed, changedElements: sums.changed, sums: sums, distribution: values.map(WeightDistribution.init),
            spectra: try spectra(sums))
    }

    /// Whether all stored bytes are the same. Reads no further than to the first piece that differs, or a run more for each thread.
    private func areEqual() throws -> Bool {
        let differ = Atomic(false)
        try forEachRun { run in
            for piece in run {
                if differ.load(ordering: .relaxed) { return }
                let first = try before.elements(piece)
                let second = try after.elements(piece)
                if !first.bytes.isEqual(to: second.bytes) { differ.store(true, ordering: .relaxed) }
            }
        }
        return !differ.load(ordering: .relaxed)
    }

    private func sums() throws -> (DifferenceSums, PairValues?) {
        let partial = Mutex([(sums: DifferenceSums, moments: PairValues.Sides)?](repeating: nil, count: runCount))
        let countsValues = needs.distributions
        let values = Mutex<PairValues?>(countsValues ? PairValues((before.description.dtype, after.description.dtype)) : nil)
        try forEachRun { run in
            var blocks = PairBlocks(before.description.dtype, after.description.dtype, countingValues: countsValues)
            for piece in run {
                let first = try before.elements(piece)
                let second = try after.elements(piece)
                blocks.add(first.bytes, second.bytes, count: piece.count)
            }
            let result = (blocks.sums, blocks.values?.moments ?? PairValues.Sides())
            partial.withLock { $0[run.index] = result }
            if let counted = blocks.values { values.withLock { $0?.addCounts(counted) } }
        }
        // In the order of the runs, whoever was done first.
        var (sums, moments) = (DifferenceSums(before.description.dtype, after.description.dtype), PairValues.Sides())
        for run in partial.withLock({ $0 }) {
            if let run {
                sums.add(run.sums)
                moments.add(run.moments)
            }
        }
        guard var counted = values.withLock({ $0 }) else { return (sums, nil) }
        counted.moments = moments
        return (sums, counted)
    }

    /// Elements whose stored bits differ, of any dtype.
    private func changedElements() throws -> Int {
        let count = Atomic(0)
        let width = before.description.dtype.bitWidth
        try forEachRun { run in
            for piece in run {
                let first = try before.elements(piece)
                let second = try after.elements(piece)
                count.wrappingAdd(first.bytes.differingGroups(second.bytes, ofBits: width), ordering: .relaxed)
            }
        }
        return count.load(ordering: .relaxed)
    }
}

extension TensorComparer {
    /// Pieces that follow each other.
    private struct Run: Sequence {
        let index: Int
        let elements: Range<Int>

        func makeIterator() -> some IteratorProtocol<Range<Int>> {
            stride(from: elements.lowerBound, to: elements.upperBound, by: TensorComparer.pieceSize).lazy.map {
                $0..<Swift.min($0 + TensorComparer.pieceSize, elements.upperBound)
            }.makeIterator()
        }
    }

    private var runCount: Int { (before.description.elementCount + Self.runSize - 1) / Self.runSize }

    /// Hands out the runs among the threads; throws the error of the first run that had one.
    private func forEachRun(_ body: @Sendable (Run) throws -> Void) throws {
        let failures = Mutex<[Int: any Error]>([:])
        let count = before.description.elementCount
        RowParallel.forEach(runCount) { index in
            let run = Run(index: index, elements: index * Self.runSize..<min(count, (index + 1) * Self.runSize))
            do { try body(run) } catch { failures.withLock { $0[index] = error } }
        }
        let failure = failures.withLock { failures in failures.min { $0.key < $1.key }?.value }
        if let failure { throw failure }
    }
}

extension Span<UInt8> {
    /// How many groups of so many bits, one after the other without gaps, differ.
    func differingGroups(_ other: Span<UInt8>, ofBits width: Int) -> Int {
        var (result, last) = (0, -1)
        for index in indices where self[index] != other[index] {
            let difference = self[index] ^ other[index]
            for bit in 0..<8 where difference >> UInt8(bit) & 1 == 1 {
                let group = (8 * index + bit) / width
                result += group == last ? 0 : 1
                last = group
            }
        }
        return result
    }
}
