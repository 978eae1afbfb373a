package import Checkpoints
package import Storage
internal import SystemPackage
internal import Tensors

/// A patch on the checkpoint that it is applied to: what can be told before any byte of a tensor is read, and then the writing.
package struct PatchApplication {
    package enum Mode: Sendable, Equatable {
        /// Makes the result of the base.
        case forward
        /// Makes the base of the result.
        case reverse
        /// Makes base + scale (result - base) of the base, computed in Float and rounded to the nearest that is stored.
        case scaled(Double)
    }

    /// What a tensor is on the way from one side to the other.
    struct Step {
        let tensor: PatchedTensor
        let from: SHA256Digest?
        let to: SHA256Digest?
    }

    let patch: Patch
    let checkpoint: Checkpoint
    let mode: Mode
    let steps: [ByteName: Step]
    private let unchanged: [ByteName: SHA256Digest]

    /// Checks the patch as a whole, then that the checkpoint has the tensors that it is for. Throws `damaged`, `otherNames`, `unscalable`,
    /// and `lossy` where a patch that is not kept to the bit is to be taken back.
    package init(_ patch: Patch, to checkpoint: Checkpoint, _ mode: Mode) throws {
        try patch.verify()
        let isReversed = mode == .reverse
        if isReversed { try patch.requireLossless() }
        var steps: [ByteName: Step] = [:]
        for tensor in patch.manifest.tensors {
            let sides = isReversed ? (tensor.after, tensor.before) : (tensor.before, tensor.after)
            steps[ByteName(tensor.name)] = Step(tensor: tensor, from: sides.0, to: sides.1)
            if case .scaled = mode {
                guard tensor.before != nil, tensor.after != nil else {
                    throw PatchError.unscalable(name: tensor.name, reason: "is \(tensor.status) by the patch")
                }
                guard tensor.description.dtype.isComputable else {
                    throw PatchError.unscalable(name: tensor.name, reason: "is \(tensor.description.dtype.rawValue)")
                }
            }
        }
        var unchanged: [ByteName: SHA256Digest] = [:]
        for (name, leaf) in patch.manifest.unchanged { unchanged[ByteName(name)] = leaf }
        (self.patch, self.checkpoint, self.mode, self.steps, self.unchanged) = (patch, checkpoint, mode, steps, unchanged)
        try checkNames()
    }

    private func checkNames() throws {
        func fault(_ name: String, _ reason: String) -> PatchError { .otherNames(checkpoint.path, name: name, reason: reason) }
        for tensor in checkpoint.tensors where unchanged[ByteName(tensor.name)] == nil {
            guard let step = steps[ByteName(tensor.name)], step.from != nil else {
                throw fault(tensor.name, "is there, but not in what the patch is for")
            }
            let expected = step.tensor.description
            guard tensor.description == expected else {
                throw fault(
                    tensor.name,
                    "is \(tensor.dtype.rawValue) \(tensor.shape); the patch is for \(expected.dtype.rawValue) \(expected.shape)")
            }
        }
        let needed = patch.manifest.unchanged.map(\.name) + steps.values.filter { $0.from != nil }.map(\.tensor.name)
        for name in needed.sorted() where checkpoint.tensor(named: name) == nil {
            throw fault(name, "is not there, but in what the patch is for")
        }
    }

    /// Writes the result into a staged directory, in one pass over the checkpoint, every tensor of which is checked as it passes, and so is
    /// what is made of it. The files are those of the checkpoint, byte for byte but for what the patch changes, unless tensors come or go: then
    /// their header and index are worded anew. Returns the content digest of what was written.
    ///
    /// Throws `otherTensor`, `alreadyMade` and `otherResult`, `unscalable`, and what reading and writing throw.
    package func write(to staged: StagedDirectory, tool: String, progress: (Int, Int) -> Void = { _, _ in }) throws -> SHA256Digest {
        let layout = try layout()
        let total = layout.shards.reduce(0) { $0 + $1.layout.tensors.reduce(0) { $0 + $1.byteCount } }
        var done = 0
        var leaves: [(name: String, leaf: SHA256Digest)] = []
        for (name, layout) in layout.shards {
            // A single file becomes a directory that is a model's.
            let file = try staged.create(checkpoint.files == nil ? CheckpointLayout.singleName : name)
            try file.write(layout.header)
            for tensor in layout.tensors {
                let leaf = try write(tensor, to: file) { progress(done + $0, total) }
                leaves.append((tensor.name, leaf))
                done += tensor.byteCount
            }
            try file.finish()
        }
        for (_, step) in steps where step.to == nil {
            try check(checkpoint.stored(step.tensor.name).sha256(), step)
        }
        let digest = CheckpointDigests.root(of: leaves)
        try writeCompanions(to: staged, digest, tool: tool)
        // The index last: without it, shards are not yet a checkpoint.
        if let (name, contents) = layout.index { try staged.write(name, contents) }
        return digest
    }

    private func write(_ tensor: TensorDescription, to file: StagedFile, progress: (Int) -> Void) throws -> SHA256Digest {
        guard let step = steps[ByteName(tensor.name)] else {
            let leaf = CheckpointDigests.leaf(tensor, try copy(checkpoint.stored(tensor.name), to: file))
            progress(tensor.byteCount)
            guard let expected = unchanged[ByteName(tensor.name)], leaf == expected else {
                throw PatchError.otherTensor(
                    checkpoint.path, name: tensor.name, expected: unchanged[ByteName(tensor.name)] ?? leaf, found: leaf)
            }
            return leaf
        }
        let passing = PassingBytes(step.from == nil ? nil : try checkpoint.stored(tensor.name))
        let (whole, written) = (RunningDigest(), RunningDigest())
        let blocks = DifferenceBlocks(of: tensor)
        let lowRank = try patch.lowRankStep(of: step.tensor, scale: scale)
        let difference = lowRank == nil ? try patch.difference(of: step.tensor) : nil
        for run in blocks.runs {
            let range = blocks.bytes(of: run)
            try passing.read(range)
            let stored = passing.bytes
            let made = try difference?.blocks(of: run, from: stored, negated: mode == .reverse) ?? blocks.split(stored, of: run)
            if let lowRank {
                let part = try lowRank.blocks(blocks.split(stored, of: run), of: run, in: blocks).map { block in
                    guard let block else { throw ScaledStep.overflow(of: tensor) }
                    return block
                }
                try digest(passing, beside: { whole.update(part) }, writing: part, to: file)
            } else if case .scaled(let scale) = mode {
                let part = try ScaledStep(scale, of: tensor).blocks(blocks.split(stored, of: run), made)
                try digest(passing, beside: { whole.update(made) }, writing: part, to: file)
                written.update(part)
            } else {
                try digest(passing, beside: { whole.update(made) }, writing: made, to: file)
            }
            progress(range.upperBound)
        }
        try check(passing.digest(), step)
        let result = whole.digest()
        // Part of a product of matrices is not made from the whole of it.
        if lowRank != nil, case .scaled = mode { return CheckpointDigests.leaf(tensor, result) }
        let expected = mode == .reverse ? step.tensor.before : step.tensor.after
        guard let expected, result == expected else {
            throw PatchError.otherResult(patch.path, name: tensor.name, expected: expected ?? result, found: result)
        }
        if case .scaled = mode { return CheckpointDigests.leaf(tensor, written.digest()) }
        return CheckpointDigests.leaf(tensor, result)
    }

    /// Digests what was read and writes on the one processor, digests what was made on the other: the two digests take longest of all.
    private func digest(
        _ passing: PassingBytes, beside other: @Sendable () -> Void, writing blocks: [[UInt8]], to file: StagedFile
    ) throws {
        try RowParallel.both(
            {
                passing.digestBytes()
                for block in blocks { try file.write(block) }
            }, other)
    }

    /// Copies a tensor's bytes while they are digested.
    private func copy(_ source: InputFile, to file: StagedFile) throws -> SHA256Digest {
        let digest = RunningDigest()
        try RowParallel.both({ try file.write(contentsOf: source) }, { try digest.update(contentsOf: source) })
        return digest.digest()
    }

    private func check(_ found: SHA256Digest?, _ step: Step) throws {
        guard let found, let expected = step.from, found != expected else { return }
        if found == step.to {
            throw PatchError.alreadyMade(checkpoint.path, name: step.tensor.name, isReversed: mode == .reverse)
        }
        throw PatchError.otherTensor(checkpoint.path, name: step.tensor.name, expected: expected, found: found)
    }
}
