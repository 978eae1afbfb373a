internal import Storage
internal import Tensors

/// What keeps a checkpoint's tensors from being those that a configuration asks for.
package struct LayoutDefects: Sendable {
    /// In the order of the decoder: tensors that are missing, have another shape, or a type that is not computed with.
    package let errors: [CheckpointError]
    /// The layout as it would be without them; nil where there are more than were looked for.
    package let layout: TensorLayout?

    /// Lays the tensors out, taking each that is wrong to be as it should, until nothing is wrong any more.
    package init(_ configuration: ModelConfiguration, in checkpoint: Checkpoint, atMost limit: Int = 100) {
        var assumed = checkpoint
        var errors: [CheckpointError] = []
        var layout: TensorLayout?
        // A tensor that is missing shows its shape in a second round.
        for _ in 0..<2 * limit where layout == nil && errors.count < limit {
            do { layout = try TensorLayout(configuration, in: assumed) } catch {
                guard let (name, shape) = Self.remedy(of: error) else {
                    errors.append(error)
                    break
                }
                let isKnown = checkpoint.tensor(named: name) != assumed.tensor(named: name)
                if !isKnown { errors.append(error) }
                assumed.assume(
                    StoredTensor(name: name, dtype: .f32, shape: shape ?? assumed.tensor(named: name)?.shape ?? [], offset: 0, byteCount: 0)
                )
            }
        }
        (self.errors, self.layout) = (errors, layout)
    }

    /// The tensor that an error is about, and the shape it should have where that is known.
    private static func remedy(of error: CheckpointError) -> (name: String, shape: [Int]?)? {
        switch error {
        case .missingTensor(_, let name), .unsupportedDType(_, let name, _): (name, nil)
        case .unexpectedShape(_, let name, let expected, _): (name, expected)
        default: nil
        }
    }
}
