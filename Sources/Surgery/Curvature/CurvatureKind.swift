/// How F is approximated.
package enum CurvatureKind: Sendable, Hashable {
    /// I in F's place.
    case identity
    /// F's diagonal.
    case diagonal
    /// F's diagonal in the eigenvectors of Kronecker factors, for the linear maps of the layers.
    case ekfac
    /// Blocks of so many consecutive entries of each flattened parameter.
    case block(Int)
    /// No approximation within a block, in example space.
    case woodbury(Block)

    /// What shares one Gram matrix.
    package enum Block: String, Sendable, CaseIterable { case parameter, layer, model }

    /// oBERT's block size, the published one.
    package static let standardBlockSize = 50
    package static let largestBlockSize = 1024

    package var name: String {
        switch self {
        case .identity: "identity"
        case .diagonal: "diagonal"
        case .ekfac: "ekfac"
        case .block: "block"
        case .woodbury: "woodbury"
        }
    }

    /// The block's name or size, of the kinds that have one.
    package var block: String? {
        switch self {
        case .identity, .diagonal, .ekfac: nil
        case .block(let size): "\(size)"
        case .woodbury(let block): block.rawValue
        }
    }
}
