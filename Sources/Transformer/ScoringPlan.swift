package import Checkpoints
internal import Storage

/// How many rows go through the layers together where texts are scored, so that the process keeps within its memory. Results do not
/// depend on it: rows are computed together by the windows' lengths alone.
package struct ScoringPlan: Sendable {
    /// Rows that go through the layers together: whole windows, more only where one window is longer.
    package let rows: Int
    /// The most memory the process is to take, in bytes; 0 where it was not planned.
    package let plannedPeak: Int

    /// Rows that are computed together, unless one window is longer.
    package static let rowsPerMicroBatch = 512
    private static let mostRows = 1 << 14

    /// Where no bound was given.
    package static let standard = ScoringPlan(rows: mostRows, plannedPeak: 0)

    private init(rows: Int, plannedPeak: Int) { (self.rows, self.plannedPeak) = (rows, plannedPeak) }

    /// - Parameters:
    ///   - models: those that are to be scored with, two of them side by side.
    ///   - longestWindow: the most tokens of any window.
    ///   - held: bytes that are held besides, such as the texts and their scores.
    /// Throws `overBudget` with the smallest budget that would do.
    package init(_ models: [LanguageModel], longestWindow: Int, held: Int, budget: MemoryBudget) throws(TransformerError) {
        func peak(rows: Int) -> Int {
            MemoryBudget.overhead + held + (models.map { Self.bytes($0, rows: rows, longestWindow: longestWindow) }.max() ?? 0)
        }
        let least = max(Self.rowsPerMicroBatch, longestWindow)
        try budget.check(smallest: peak(rows: least))
        let perRow = peak(rows: least + 1) - peak(rows: least)
        let rows = max(least, min(Self.mostRows, least + (budget.bytes - peak(rows: least)) / max(1, perRow)))
        self.init(rows: rows, plannedPeak: peak(rows: rows))
    }

    /// What sweeping so many rows through one model takes, another's last rows beside it.
    private static func bytes(_ model: LanguageModel, rows: Int, longestWindow: Int) -> Int {
        let (c, shape, layers) = (model.configuration, LayerShape(model), model.layout.layers)
        let micro = min(rows, max(rowsPerMicroBatch, longestWindow))
        let largestLayer = layers.map { LayerWeights.parameterCount($0) }.max() ?? 0
        let largestExpert = layers.flatMap(\.experts).map { LayerWeights.parameterCount($0) }.max() ?? 0
        let rotary = RotaryEmbedding.tableCount(c.rotary, positions: longestWindow) * longestWindow * c.headSize
        let pass =
            largestLayer + largestExpert + micro * (shape.activationColumns + shape.expertPassColumns + c.hiddenSize)
            + rows * shape.expertColumns + 4 * 2 * 128 * longestWindow + rotary
        let slice = VocabularySlices.height(c)
        let tile = min(micro, DecoderHead.rowsPerTile(vocabularySize: slice)) * slice
        let projection = model.layout.headProjection == nil ? 0 : c.embeddingSize * (c.hiddenSize + micro)
        let head = 2 * (slice * c.embeddingSize + tile + projection + 3 * micro * c.hiddenSize)
        // The residual stream and the scored rows of both models, as far as they are there together; a row's numbers besides.
        let streams = 3 * rows * c.hiddenSize
        return 4 * (streams + max(pass, head)) + rows * bytesBesides
    }

    /// Tokens, targets and what two models make of a row while it is computed.
    private static let bytesBesides = 512
}
