/// What a parameter of a decoder is for.
package enum ParameterRole: String, Sendable, CaseIterable {
    /// Of tokens and positions, the head, and what stands between them and the layers.
    case embedding
    /// The projections to queries, keys and values, and that of what was attended to.
    case attention
    /// The feed-forward block, or experts with their router.
    case feedForward = "feed-forward"
    case norm
}
