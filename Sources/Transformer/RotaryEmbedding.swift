internal import Glibc
package import Checkpoints
package import Tensors

/// Rotary position embedding: the first half of a head's turned columns and the second half are rotated against each other
/// by position times frequency (RoFormer, arXiv 2104.09864, in the half-rotation layout).
package struct RotaryEmbedding: ~Copyable, Sendable {
    /// Positions x half the turned columns each, one table after the other; without rows where nothing is turned.
    private let cosines: Matrix
    private let sines: Matrix
    private let positions: Int
    private let headSize: Int
    /// First rows and half-widths of each parameters' table for short sequences and for long ones.
    private let tables: [(short: Int, long: Int, longFrom: Int, half: Int)]

    /// Tables for positions 0 ..< `positions`. Angles are taken in Float, as the reference implementation does.
    package init(_ parameters: [RotaryParameters], headSize: Int, positions: Int) {
        let half = (parameters.map(\.columns).max() ?? 0) / 2
        let count = Self.tableCount(parameters, positions: positions)
        var cosines = Matrix(rows: count * positions, columns: half)
        var sines = Matrix(rows: count * positions, columns: half)
        var tables: [(short: Int, long: Int, longFrom: Int, half: Int)] = []
        var first = 0
        for each in parameters {
            let longFrom = each.longFrom ?? Int.max
            var starts: [Int] = []
            for length in positions >= longFrom ? [1, longFrom] : [1] {
                Self.fill(&cosines, &sines, each, length: length, rows: first..<first + positions)
                starts.append(first)
                first += positions
            }
            tables.append((starts[0], starts[starts.count - 1], longFrom, each.columns / 2))
        }
        self.cosines = cosines
        self.sines = sines
        self.tables = tables
        self.positions = positions
        self.headSize = headSize
    }

    static func tableCount(_ parameters: [RotaryParameters], positions: Int) -> Int {
        parameters.reduce(0) { $0 + (positions >= $1.longFrom ?? Int.max ? 2 : 1) }
    }

    private static func fill(
        _ cosines: inout Matrix, _ sines: inout Matrix, _ parameters: RotaryParameters, length: Int, rows: Range<Int>
    ) {
        let columns = cosines.columns
        var cosine = cosines.mutableElements
        var sine = sines.mutableElements
        for (index, frequency) in parameters.frequencies(length: length).enumerated() {
            for (position, row) in rows.enumerated() {
                let angle = Double(Float(position) * frequency)
                cosine[row * columns + index] = Float(cos(angle) * parameters.magnitude)
                sine[row * columns + index] = Float(sin(angle) * parameters.magnitude)
            }
        }
    }

    /// Turns the first `heads` heads of each row of a segment (row 0 at position 0) by a table; `direction` 1 forward, -1
    /// backward: a rotation's gradient is the rotation back.
    package borrowing func rotate(_ rows: inout MutableMatrixView, heads: Int, table: Int, direction: Float) {
        let table = tables[table]
        let first = rows.rows >= table.longFrom ? table.long : table.short
        let half = table.half
        for position in 0..<rows.rows {
            let (cosine, sine) = (cosines.view.row(first + position), sines.view.row(first + position))
            var row = rows.row(position)
            for head in 0..<heads {
                let start = head * headSize
                for index in 0..<half {
                    let (first, second) = (row[start &+ index], row[start &+ half &+ index])
                    row[start &+ index] = first * cosine[index] - second * sine[index] * direction
                    row[start &+ half &+ index] = second * cosine[index] + first * sine[index] * direction
                }
            }
        }
    }
}
