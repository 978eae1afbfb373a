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

    /// What it takes of memory in sweeps of a batch.
    func taps(_ batch: TokenBatch) -> TapNeed {
        let examples = batch.exampleRows.count
        let columns = max(maps.map(\.storedColumns).max() ?? 0, model.configuration.hiddenSize)
        let widest = max(SweepPlan.tileElements(columns: columns, examples: examples), columns)
        // A Gram matrix in Double, and its Float products over the pieces of a tile.
        let gram = (8 + 4 * (widest / GramMatrix.columnsPerPiece + 1)) * examples * examples
        switch kind {
        case .identity, .diagonal:
            return TapNeed(held: gram)
        case .ekfac:
            let shown = maps.map { map in
                let sides = [map.storedRows, map.storedColumns].filter { $0 <= KroneckerBases.largestSide }
                // Factors in the map's basis, and that.
                return (map.weight, TapNeed.Shown(columns: sides.reduce(0, +), numbers: sides.reduce(0) { $0 + $1 * $1 }))
            }
            // Eigendecompositions: the matrix, which its vectors take the place of, and LAPACK's work of twice that.
            let largest = maps.flatMap { [$0.storedRows, $0.storedColumns] }.filter { $0 <= KroneckerBases.largestSide }.max() ?? 0
            return TapNeed(
                held: gram, between: 4 * KroneckerBases.sidesAtOnce * 3 * largest * largest,
                maps: Dictionary(shown, uniquingKeysWith: { first, _ in first }))
        case .block(let size):
            // The tile put together of whole blocks, and the blocks' matrices.
            return TapNeed(held: gram + 4 * (widest + size) * (2 * examples + size) + 2 * 4 * (1 << 16) * size)
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
            return TapNeed(held: gram + open + 48 * examples * examples + 8 * blocks * examples * examples / 4)
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
