internal import Checkpoints
internal import Transformer

/// Some examples' mean losses, by any version of the weights that an edit may come to.
struct ExampleLosses {
    private let sweep: CandidateSweep
    private let meter: EditMeter

    init(_ sweep: CandidateSweep, meter: EditMeter) { (self.sweep, self.meter) = (sweep, meter) }

    /// By each of several versions, as many at once as memory allows.
    func means(fromEach sources: [any WeightSource]) throws -> [[Double]] {
        let batch = sweep.batch
        return try meter.pass(tokens: sources.count * batch.tokens.count) { try sweep.score(from: sources).map { $0.meanLosses(batch) } }
    }

    func means(from source: any WeightSource) throws -> [Double] { try means(fromEach: [source])[0] }
}
