package import Tensors

/// Values held within -bound ... bound.
package enum Clipping {
    package static func forward(_ bound: Float, _ values: inout MutableMatrixView) {
        RowParallel.rows(of: &values, perBlock: 64) { range, rows in
            for index in range.indices {
                var row = rows.row(index - range.lowerBound)
                for column in row.indices { row[column] = min(max(row[column], -bound), bound) }
            }
        }
    }

    /// No gradient passes where the value was clipped, given the values before.
    package static func backward(_ bound: Float, _ values: MatrixView, _ gradient: inout MutableMatrixView) {
        RowParallel.rows(of: &gradient, perBlock: 64) { range, rows in
            for index in range {
                var row = rows.row(index - range.lowerBound)
                let before = values.row(index)
                for column in row.indices where abs(before[column]) > bound { row[column] = 0 }
            }
        }
    }
}
