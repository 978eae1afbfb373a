/// Some rows of a parameter: of a matrix as it is stored; a vector is a matrix of one column.
package struct ParameterSlice: Sendable, Hashable {
    package let name: String
    package let firstRow: Int
    package let rows: Int
    package let columns: Int

    /// Where the slice starts among the parameter's elements.
    package var offset: Int { firstRow * columns }
}

/// Parameters that the backward sweep passes together: a layer's, the embedding's, the head's.
package struct ParameterGroup: Sendable, Hashable {
    package let name: String
}

/// What receives the gradients as a backward sweep goes by.
package protocol GradientTap: AnyObject {
    /// Whether a visit must bring every example of the batch; otherwise they come in as many visits as memory asks for.
    var needsEveryExample: Bool { get }

    /// Whether the tap has a use for a parameter's gradients; it may be shown others all the same.
    func wants(_ parameter: String) -> Bool

    /// The gradients of a slice, of the examples with those numbers.
    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws

    /// The group has been visited. True: it is to be visited once more (only where every example came at once).
    func finish(_ group: ParameterGroup) throws -> Bool
}

extension GradientTap {
    package func wants(_ parameter: String) -> Bool { true }
}
