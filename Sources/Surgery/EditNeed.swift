internal import Checkpoints
internal import Transformer

/// What memory the sweeps of an edit take, its curvature among them.
struct EditNeed: Sendable {
    private let model: LanguageModel
    private let curvature: CurvatureNeed
    private let masksRows: Bool
    private let unchangedLayers: Int

    init(_ model: LanguageModel, _ recipe: EditRecipe, _ parameters: [String]) {
        self.model = model
        curvature = CurvatureNeed(recipe.curvature, model, parameters)
        masksRows = recipe.salience != nil
        unchangedLayers = model.layout.unchangedLayers(where: Set(parameters).contains)
    }

    /// Of sweeps of a batch, where others are scored beside them.
    func sweeps(_ batch: TokenBatch, needsEveryExample: Bool, scoring others: [TokenBatch] = []) -> SweepNeed {
        var taps = curvature.taps(batch)
        if masksRows { taps.held += masked(batch) }
        return SweepNeed(
            model, batch, needsEveryExample: needsEveryExample, scoring: others, unchangedLayers: unchangedLayers, taps: taps)
    }

    /// A factor of a linear map's gradients without the rows that may not change, in bytes.
    private func masked(_ batch: TokenBatch) -> Int {
        let maps = model.layout.layers.flatMap { $0.linears + $0.experts.flatMap(\.linears) }
        return 4 * batch.tokens.count * (maps.map(\.storedRows).max() ?? 0)
    }
}
