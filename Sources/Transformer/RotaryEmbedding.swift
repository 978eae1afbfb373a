internal import Glibc
package import Tensors

/// Rotary position embedding: the first half of a head's columns and the second half are rotated against each other by
/// position times frequency, with frequencies base^(-2i/d) (RoFormer, arXiv 2104.09864, in the half-rotation layout).
package struct RotaryEmbedding: ~Copyable {
    /// Positions x d/2 each.
    package let cosines: Matrix
    package let sines: Matrix

    /// Tables for positions 0 ..< `positions`. Angles are taken in Float, as the reference implementation does.
    package init(base: Double, headSize: Int, positions: Int) {
        let half = headSize / 2
        var cosines = Matrix(rows: positions, columns: half)
        var sines = Matrix(rows: positions, columns: half)
        var cosine = cosines.mutableElements
        var sine = sines.mutableElements
        for index in 0..<half {
            let frequency = Float(1 / pow(base, Double(2 * index) / Double(headSize)))
            for position in 0..<positions {
                let angle = Double(Float(position) * frequency)
                cosine[position * half + index] = Float(cos(angle))
                sine[position * half + index] = Float(sin(angle))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }

    /// Rotates the first `heads` heads of each row of a segment (row 0 at position 0); `direction` 1 forward, -1 backward:
    /// a rotation's gradient is the rotation back. Tables as `cosines` and `sines` hold them.
    package static func rotate(_ rows: inout MutableMatrixView, heads: Int, direction: Float, cosines: MatrixView, sines: MatrixView) {
        let half = cosines.columns
        for position in 0..<rows.rows {
            let (cosine, sine) = (cosines.row(position), sines.row(position))
            var row = rows.row(position)
            for head in 0..<heads {
                let start = head * 2 * half
                for index in 0..<half {
                    let (first, second) = (row[start &+ index], row[start &+ half &+ index])
                    row[start &+ index] = first * cosine[index] - second * sine[index] * direction
                    row[start &+ half &+ index] = second * cosine[index] + first * sine[index] * direction
                }
            }
        }
    }
}
