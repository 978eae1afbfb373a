package import Storage
package import Tensors

/// What a forward sweep keeps for the backward one: in each of some slots a matrix of N x C, in memory or in a scratch file.
package struct KeptRows: ~Copyable {
    private let rows: Int
    private let columns: Int
    private var memory: Matrix
    private let scratch: ScratchFile?

    /// `scratch` nil: in memory.
    package init(slots: Int, rows: Int, columns: Int, scratch: ScratchFile?) {
        self.rows = rows
        self.columns = columns
        self.scratch = scratch
        memory = Matrix(rows: scratch == nil ? slots * rows : 0, columns: columns)
    }

    package mutating func store(_ source: borrowing Matrix, inSlot slot: Int) throws {
        if let scratch {
            try scratch.write(source.elements, at: slot * rows * columns)
        } else {
            copy(source, 0..<rows, into: &memory, slot * rows..<(slot + 1) * rows)
        }
    }

    /// The given rows of a slot, into the first rows of `target`.
    package borrowing func load(slot: Int, rows range: Range<Int>, into target: inout Matrix) throws {
        if let scratch {
            var view = target.mutableRows(0..<range.count)
            try scratch.read(at: (slot * rows + range.lowerBound) * columns, into: &view.elements)
        } else {
            copy(memory, slot * rows + range.lowerBound..<slot * rows + range.upperBound, into: &target, 0..<range.count)
        }
    }
}
