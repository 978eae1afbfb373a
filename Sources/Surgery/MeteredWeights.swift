internal import Checkpoints

/// Weights whose reading is told to a meter.
struct MeteredWeights: WeightSource {
    let source: any WeightSource
    let meter: EditMeter
    /// The layer that a tensor is of.
    let groups: [String: String]

    func read(_ name: String, from offset: Int, into destination: inout MutableSpan<Float>) throws {
        meter.enter(groups[name] ?? "embedding and head")
        try source.read(name, from: offset, into: &destination)
    }
}
