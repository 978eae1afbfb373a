internal import Checkpoints
internal import Tensors
internal import Transformer

/// What a curvature takes, in bytes: of memory beside a sweep and what any tap needs, and of scratch files.
struct CurvatureNeed {
    private let kind: CurvatureKind
    private let model: LanguageModel
    private let counts: [Int]
    private let maps: [LinearLayout]

    init(_ kind: CurvatureKind, _ model: LanguageModel, _ parameters: [String]) {
        (self.kind, self.model) = (kind, model)
        counts = parameters.map { model.checkpoint.tensor(named: $0)?.elementCount ?? 0 }
        let selected = Set(parameters)
        maps = model.layout.layers.flatMap(\.linears).filter { selected.contains($0.weight) }
    }

    /// Memory in sweeps of a batch.
    func bytes(_ batch: TokenBatch) -> Int {
        let (examples, tokens) = (batch.exampleRows.count, batch.tokens.count)
        let columns = max(maps.map(\.storedColumns).max() ?? 0, model.configuration.hiddenSize)
        let widest = max(SweepPlan.tileElements(columns: columns, examples: examples), columns)
        // A Gram matrix in Double, and its Float products over the pieces of a tile.
        let gram = (8 + 4 * (widest / GramMatrix.columnsPerPiece + 1)) * examples * examples
        switch kind {
        case .identity, .diagonal:
            return gram
        case .ekfac:
            let bases = maps.map { map in
                let sides = [map.storedRows, map.storedColumns].map { $0 > KroneckerBases.largestSide ? 0 : $0 }
                let factors = sides.reduce(0, +) * tokens
                return 4 * (sides.reduce(0) { $0 + $1 * $1 } + factors + 2 * map.storedRows * map.storedColumns)
            }
            // Eigendecompositions: the matrix, which its vectors take the place of, and LAPACK's work of twice that.
            let largest = maps.flatMap { [$0.storedRows, $0.storedColumns] }.filter { $0 <= KroneckerBases.largestSide }.max() ?? 0
            return gram + max(bases.max() ?? 0, 4 * KroneckerBases.sidesAtOnce * 3 * largest * largest)
        case .block(let size):
            // The tile put together of whole blocks, and the blocks' matrices.
            return gram + 4 * (widest + size) * (2 * examples + size) + 2 * 4 * (1 << 16) * size
        case .woodbury(let block):
            let layer = 16 + (model.layout.layers.map { 2 * ($0.linears.count + $0.norms.count) }.max() ?? 0)
            // Those that are open, a system and its solution; an eigendecomposition of noise; each block's solution of m x n.
            let open = (block == .parameter ? layer : 1) * 8 * examples * examples
            let blocks =
                switch block {
                case .parameter: counts.count
                case .layer: model.layout.layers.count + 4
                case .model: 1
                }
            return gram + open + 48 * examples * examples + 8 * blocks * examples * examples / 4
        }
    }

    /// Scratch files.
    var scratchBytes: Int {
        let all = counts.reduce(0, +)
        switch kind {
        case .identity: return 4 * all
        case .diagonal: return 8 * all
        case .ekfac: return 8 * all + 4 * maps.reduce(0) { $0 + KroneckerBases.count(rows: $1.storedRows, columns: $1.storedColumns) }
        case .block(let size): return 4 * all + 4 * counts.reduce(0) { $0 + BlockMatrices.numbers(entries: $1, size: size) }
        case .woodbury: return 0
        }
    }
}
