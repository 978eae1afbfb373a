/// What becomes of the matches that cut a text: pieces of their own, dropped, or part of a neighbour.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// Throws `unsupported` where the definition names none.
    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let name = try definition.string()
        guard let behavior = SplitBehavior(rawValue: name) else { throw definition.unsupported(name.debugDescription) }
        self = behavior
    }

    /// Whether a piece is joined to the one before it.
    private func joins(isMatch: Bool, previousIsMatch: Bool) -> Bool {
        switch self {
        case .removed, .isolated: false
        case .mergedWithPrevious: isMatch && !previousIsMatch
        case .mergedWithNext: !isMatch && previousIsMatch
        case .contiguous: isMatch == previousIsMatch
        }
    }

    /// Calls `body` with the pieces that the matches of `expression` cut the text into, from left to right, none empty.
    ///
    /// - Parameter inverted: whether what lies between the matches counts as the matches.
    func forEachPiece(
        of text: Span<UInt8>, cutBy expression: RegularExpression, inverted: Bool,
        _ body: (Range<Int>) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        var pending = 0..<0
        var previousIsMatch = false
        var isFirst = true
        try expression.forEachPiece(in: text) { (range, isExpression) throws(TokenizerError) in
            let isMatch = isExpression != inverted
            if !isFirst, joins(isMatch: isMatch, previousIsMatch: previousIsMatch) {
                pending = pending.lowerBound..<range.upperBound
            } else {
                if !pending.isEmpty { try body(pending) }
                pending = self == .removed && isMatch ? 0..<0 : range
            }
            (previousIsMatch, isFirst) = (isMatch, false)
        }
        if !pending.isEmpty { try body(pending) }
    }
}
