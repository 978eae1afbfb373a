internal import Checkpoints
internal import Storage
internal import Tensors

/// How a tensor's difference stands in a patch: in blocks of 2^18 words, of each the planes as a Zstandard frame, one frame after the other,
/// and then the length of each (u32, little-endian): 0 and no frame where nothing in the block changed.
struct DifferenceBlocks: Sendable {
    static let wordsPerBlock = 1 << 18
    /// On noise, as the low bits of an edit are, higher levels are slower and no better.
    private static let level = 1
    /// Blocks that are worked on together.
    private static let perRun = 8

    let words: WordDifference
    /// Of the tensor as it is stored.
    let byteCount: Int

    init(of tensor: TensorDescription) { (words, byteCount) = (WordDifference(of: tensor.dtype), tensor.byteCount) }

    private var blockSize: Int { Self.wordsPerBlock * words.width }

    /// No frame of a block is longer: what cannot be compressed grows by less.
    var longestFrame: Int { blockSize + blockSize / 256 + 1024 }

    var count: Int { (byteCount + blockSize - 1) / blockSize }

    /// Blocks, by number, that are worked on together.
    var runs: some Sequence<Range<Int>> {
        let count = count
        return stride(from: 0, to: count, by: Self.perRun).lazy.map { $0..<min($0 + Self.perRun, count) }
    }

    /// The blocks that lie in a range of the tensor's bytes, which begins with one and ends with one.
    func blocks(in bytes: Range<Int>) -> Range<Int> { bytes.lowerBound / blockSize..<(bytes.upperBound + blockSize - 1) / blockSize }

    /// Where the stored bytes of blocks lie in the tensor.
    func bytes(of blocks: Range<Int>) -> Range<Int> { blocks.lowerBound * blockSize..<min(blocks.upperBound * blockSize, byteCount) }

    /// Where the bytes of one block lie in those of a run.
    private func place(of block: Int, in run: Range<Int>) -> Range<Int> {
        let (start, range) = (run.lowerBound * blockSize, bytes(of: block..<block + 1))
        return range.lowerBound - start..<range.upperBound - start
    }

    /// The bytes of a run, block by block.
    func split(_ bytes: [UInt8], of run: Range<Int>) -> [[UInt8]] { run.map { Array(bytes[place(of: $0, in: run)]) } }

    /// The frames of a run of blocks, whose bytes are given, empty ones where nothing changed, and how many words differ.
    func frames(of run: Range<Int>, from before: [UInt8], to after: [UInt8]) -> [(frame: [UInt8], changed: Int)] {
        RowParallel.map(run.count) { index in
            let place = place(of: run.lowerBound + index, in: run)
            let (old, new) = (before[place], after[place])
            let (planes, changed) = words.planes(from: old.span, to: new.span)
            return (changed == 0 ? [] : Zstandard.compressed(planes.span, level: Self.level), changed)
        }
    }

    /// The bytes of the blocks of a run, with the differences in `frames` added to them or taken away; nil in place of a block whose frame
    /// is damaged.
    func blocks(of run: Range<Int>, from stored: [UInt8], adding frames: [[UInt8]], negated: Bool) -> [[UInt8]?] {
        RowParallel.map(run.count) { index in
            var bytes = Array(stored[place(of: run.lowerBound + index, in: run)])
            let frame = frames[index]
            guard !frame.isEmpty else { return .some(bytes) }
            var planes = [UInt8](repeating: 0, count: bytes.count)
            var target = planes.mutableSpan
            guard Zstandard.decompress(frame.span, into: &target) else { return .none }
            words.add(planes, to: &bytes, negated: negated)
            return .some(bytes)
        }
    }

    /// The lengths as they stand behind the frames.
    static func trailer(_ lengths: [Int]) -> [UInt8] {
        lengths.flatMap { length in (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } }
    }
}

/// A tensor's difference in a patch's file.
struct StoredDifference {
    let name: String
    let blocks: DifferenceBlocks
    private let file: InputFile
    /// Where each frame begins, and the last one ends.
    private let starts: [Int]

    /// Throws `malformed` where the lengths do not make up the file.
    init(_ tensor: TensorDescription, in file: InputFile) throws {
        (name, blocks, self.file) = (tensor.name, DifferenceBlocks(of: tensor), file)
        let fault = PatchError.malformed(
            file.path, item: "tensor \(CheckpointError.quoted(tensor.name))", reason: "is no difference of \(tensor.byteCount) bytes")
        guard blocks.count <= file.size / 4 else { throw fault }
        let trailer = try file.bytes(at: file.size - 4 * blocks.count, count: 4 * blocks.count)
        var (starts, end) = ([0], 0)
        starts.reserveCapacity(blocks.count + 1)
        for index in 0..<blocks.count {
            end += (0..<4).reduce(0) { $0 | Int(trailer[4 * index + $1]) << (8 * $1) }
            guard end - starts[index] <= blocks.longestFrame else { throw fault }
            starts.append(end)
        }
        guard end == file.size - trailer.count else { throw fault }
        self.starts = starts
    }

    /// Reads the frames of a run, and adds what they hold to the run's bytes, or takes it away.
    func blocks(of run: Range<Int>, from stored: [UInt8], negated: Bool) throws -> [[UInt8]] {
        let frames = try run.map { try file.bytes(at: starts[$0], count: starts[$0 + 1] - starts[$0]) }
        let blocks = blocks.blocks(of: run, from: stored, adding: frames, negated: negated)
        guard let damaged = blocks.firstIndex(where: { $0 == nil }) else { return blocks.compactMap(\.self) }
        throw PatchError.malformed(
            file.path, item: "tensor \(CheckpointError.quoted(name))", reason: "has a damaged block, number \(run.lowerBound + damaged)")
    }

    /// How many words differ. Throws `malformed` where a block is damaged.
    func changedWords() throws -> Int {
        var changed = 0
        // What has no frame takes no time either, however large a tensor is said to be.
        for block in starts.indices.dropLast() where starts[block + 1] > starts[block] {
            let zeros = [UInt8](repeating: 0, count: blocks.bytes(of: block..<block + 1).count)
            for bytes in try self.blocks(of: block..<block + 1, from: zeros, negated: false) {
                changed += blocks.words.planes(from: zeros.span, to: bytes.span).changed
            }
        }
        return changed
    }
}
