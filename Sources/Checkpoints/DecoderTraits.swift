/// The choices that families differ in, each independent of the others.
extension ModelConfiguration {
    package enum Norm: String, Sendable { case rms, layer }
    /// What a stored norm weight w stands for: w, 1 + w, or there is none and it is 1.
    package enum NormWeight: String, Sendable {
        case stored
        case onePlus = "one_plus"
        case none
    }
    package enum Position: String, Sendable {
        /// Queries and keys turned by their position.
        case rotary
        /// An embedding added to the token's.
        case learned
        /// Each key's position times the head's slope, added to the scores (ALiBi, arXiv 2108.12409).
        case alibi
        /// The same in bfloat16, before the scores are scaled.
        case roundedAlibi = "rounded_alibi"
    }
    /// Whether the feed-forward block reads what the attention block left, or what it read.
    package enum Residual: String, Sendable { case sequential, parallel }
    /// What is normalised after a block: nothing, its output, or its sum with the residual stream.
    package enum OutputNorm: String, Sendable { case none, branch, sum }
    /// How a fused query-key-value map's outputs are stored: all queries, all keys, all values; or for each key-value head
    /// its queries, its key, its value.
    package enum FusedOrder: String, Sendable { case concatenated, interleaved }

    /// What stands between the feed-forward block's expansion and its contraction.
    package struct Activation: Sendable, Hashable {
        package enum Function: Sendable, CaseIterable { case silu, geluTanh, gelu, relu }
        package let function: Function
        /// Whether a second map's output is multiplied with the function's value.
        package let isGated: Bool

        package init(_ function: Function, isGated: Bool) {
            self.function = function
            self.isGated = isGated
        }

        package static let siluGated = Activation(.silu, isGated: true)
        package static let geluTanh = Activation(.geluTanh, isGated: false)

        /// The names that config.json has for each function.
        static let names: [(name: String, function: Function)] = [
            ("silu", .silu), ("swish", .silu), ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh),
            ("gelu", .gelu), ("gelu_python", .gelu), ("relu", .relu),
        ]
    }

    /// What differs from layer to layer.
    package struct Layer: Sendable, Equatable {
        /// How many keys a query sees, its own the last; nil: all before it.
        package let window: Int?
        /// Which of the configuration's `rotary` turns queries and keys; nil: none.
        package let rotary: Int?
        /// What attention scores are multiplied by.
        package let attentionScale: Float
        /// Whether the feed-forward block is a mixture of experts.
        package let isSparse: Bool
    }

    /// The experts of sparse layers (arXiv 1701.06538): each a feed-forward block that a router sends some tokens to.
    package struct Mixture: Sendable, Equatable {
        package let experts: Int
        /// How many of them a token goes to.
        package let expertsPerToken: Int
        /// The width of an expert.
        package let expertSize: Int
        /// The width of the expert that every token goes to; nil: there is none.
        package let sharedSize: Int?
        /// Whether a token's routing weights, the softmax's at the experts that it goes to, are divided by their sum.
        package let isNormalized: Bool
    }

    /// Numbers that some families multiply by; 1 in all others.
    package struct Scales: Sendable, Equatable {
        package let embedding: Float
        /// Of what a block adds to the residual stream.
        package let residual: Float
        package let logit: Float
    }

    /// Bounds that some families have. A softcap c makes c tanh(x / c) of x.
    package struct Bounds: Sendable, Equatable {
        package let attentionSoftcap: Float?
        package let logitSoftcap: Float?
        /// Queries, keys and values are clipped to -c ... c.
        package let queryKeyValue: Float?
    }
}
