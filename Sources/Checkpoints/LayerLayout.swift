/// A linear map's tensors: y = W x + b.
package struct LinearLayout: Sendable {
    package let weight: String
    package let bias: String?
    package let inputs: Int
    package let outputs: Int
    /// Whether the weight is stored (inputs x outputs), as GPT-2's Conv1D is, rather than (outputs x inputs).
    package let isInputByOutput: Bool
    /// Where the outputs are stored in another order than they are computed in; nil: in the same.
    package var storedOrder: StoredOrder?

    package var names: [String] { [weight, bias].compactMap { $0 } }

    package var storedRows: Int { isInputByOutput ? inputs : outputs }
    package var storedColumns: Int { isInputByOutput ? outputs : inputs }
}

/// Outputs stored block by block in another order: stored block i holds what is block `blocks[i]` of the computed outputs.
package struct StoredOrder: Sendable, Equatable {
    package let blockSize: Int
    package let blocks: [Int]

    /// For each key-value head its queries, its key and its value; computed are all queries, all keys, all values.
    package static func interleaved(heads: Int, keyValueHeads: Int, headSize: Int) -> StoredOrder {
        let group = heads / keyValueHeads
        var blocks: [Int] = []
        for shared in 0..<keyValueHeads {
            blocks += shared * group..<(shared + 1) * group
            blocks += [heads + shared, heads + keyValueHeads + shared]
        }
        return StoredOrder(blockSize: headSize, blocks: blocks)
    }
}

/// A normalisation's tensors, each of `width` elements.
package struct NormLayout: Sendable {
    /// Nil: the weight is 1.
    package let weight: String?
    package let bias: String?
    package let width: Int
    /// What is added to the stored weight.
    package let weightOffset: Float

    package var names: [String] { [weight, bias].compactMap { $0 } }
}

/// A feed-forward block's maps; an expert is one, too.
package struct FeedForwardLayout: Sendable {
    /// Gate and up, or one map for both, or up alone: their outputs side by side are the feed-forward buffer.
    package let expansions: [LinearLayout]
    package let contraction: LinearLayout

    package var linears: [LinearLayout] { expansions + [contraction] }
    /// F.
    package var width: Int { contraction.inputs }
    /// E: the columns of the feed-forward buffer.
    package var expandedWidth: Int { expansions.reduce(0) { $0 + $1.outputs } }
}

/// A decoder layer's tensors by role.
package struct LayerLayout: Sendable {
    /// Of the attention block's input; nil: it is taken as it is. So for the others.
    package let attentionNorm: NormLayout?
    /// Query, key and value, or one map for all three: their outputs side by side are the query-key-value buffer.
    package let projections: [LinearLayout]
    /// Of the queries, as many columns at a time as a norm is wide, the norms in turn; none: there is no such norm.
    package let queryNorms: [NormLayout]
    package let keyNorms: [NormLayout]
    package let attentionOutput: LinearLayout
    package let attentionOutputNorm: NormLayout?
    package let feedForwardNorm: NormLayout?
    /// What every token goes through: a dense layer's block, or a sparse layer's shared expert; nil: a sparse layer has none.
    package let feedForward: FeedForwardLayout?
    /// To the logit of the shared expert's weight (1 output); nil: it is 1.
    package let sharedWeight: LinearLayout?
    /// To the experts' logits; nil of a dense layer.
    package let router: LinearLayout?
    package let experts: [FeedForwardLayout]
    package let feedForwardOutputNorm: NormLayout?

    /// The maps that every token goes through.
    package var linears: [LinearLayout] {
        projections + [attentionOutput] + (feedForward?.linears ?? []) + [sharedWeight, router].compactMap { $0 }
    }

    /// Every tensor that an edit may change.
    package var parameters: [String] { norms.flatMap(\.names) + (linears + experts.flatMap(\.linears)).flatMap(\.names) }

    /// What a tensor of the layer is for; nil where it has no such tensor.
    package func role(of name: String) -> ParameterRole? {
        if norms.contains(where: { $0.names.contains(name) }) { return .norm }
        if (projections + [attentionOutput]).contains(where: { $0.names.contains(name) }) { return .attention }
        return parameters.contains(name) ? .feedForward : nil
    }

    /// In the order in which a forward pass comes to them.
    package var norms: [NormLayout] {
        [attentionNorm].compactMap { $0 } + queryNorms + keyNorms
            + [attentionOutputNorm, feedForwardNorm, feedForwardOutputNorm].compactMap { $0 }
    }
}
