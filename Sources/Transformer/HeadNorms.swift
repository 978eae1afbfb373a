internal import Checkpoints

/// Where the norms of queries and keys stand: which norm normalises which columns of the query-key-value buffer.
struct HeadNorms {
    struct Site {
        /// The norm's number among the layer's.
        let norm: Int
        let columns: Range<Int>
    }

    let sites: [Site]

    init(_ layer: LayerLayout, _ configuration: ModelConfiguration) {
        let first = layer.attentionNorm == nil ? 0 : 1
        let (queries, keys) = (configuration.queryColumns, configuration.keyValueColumns)
        sites =
            Self.sites(layer.queryNorms, first: first, columns: 0..<queries)
            + Self.sites(layer.keyNorms, first: first + layer.queryNorms.count, columns: queries..<queries + keys)
    }

    /// Norms take turns over the columns, each as many as it is wide.
    private static func sites(_ norms: [NormLayout], first: Int, columns: Range<Int>) -> [Site] {
        guard let width = norms.first?.width else { return [] }
        return stride(from: columns.lowerBound, to: columns.upperBound, by: width).enumerated().map { index, start in
            Site(norm: first + index % norms.count, columns: start..<start + width)
        }
    }
}
