package import Checkpoints
package import Tensors

/// Normalisation of every row. N: rows, C: columns.
///
///     RMS    y = w x r,            r = 1 / sqrt(mean(x^2) + epsilon)
///     layer  y = w (x - m) r + b,  r = 1 / sqrt(variance(x) + epsilon)
package enum Normalization {
    private static let rowsPerBlock = 64

    /// y (N x C) from x (N x C), w and b (C; b empty where there is none); `statistics` (N x 2) receives m and r of each row.
    package static func forward(
        _ kind: ModelConfiguration.Norm, _ x: MatrixView, weight: Span<Float>, bias: Span<Float>, epsilon: Float,
        into y: inout MutableMatrixView, statistics: inout MutableMatrixView
    ) {
        let blocks = (x.rows + rowsPerBlock - 1) / rowsPerBlock
        RowParallel.forEach(blocks, writing: &y, &statistics) { block, y, statistics in
            let range = block * rowsPerBlock..<min(x.rows, (block + 1) * rowsPerBlock)
            var output = y.tile(rows: range, columns: 0..<y.columns)
            var moments = statistics.tile(rows: range, columns: 0..<2)
            for row in range {
                let input = x.row(row)
                let (mean, inverse) = Self.moments(kind, input, epsilon)
                var target = output.row(row - range.lowerBound)
                if bias.isEmpty {
                    for column in target.indices { target[column] = weight[column] * ((input[column] - mean) * inverse) }
                } else {
                    for column in target.indices { target[column] = weight[column] * ((input[column] - mean) * inverse) + bias[column] }
                }
                var pair = moments.row(row - range.lowerBound)
                pair[0] = mean
                pair[1] = inverse
            }
        }
    }

    /// Adds d(loss)/dx to `dx` (N x C), given dy (N x C).
    package static func backward(
        _ kind: ModelConfiguration.Norm, dy: MatrixView, x: MatrixView, weight: Span<Float>, statistics: MatrixView,
        addingTo dx: inout MutableMatrixView
    ) {
        RowParallel.rows(of: &dx, perBlock: rowsPerBlock) { range, dx in
            let width = 1 / Float(x.columns)
            for row in range {
                let (gradient, input) = (dy.row(row), x.row(row))
                let (mean, inverse) = (statistics.row(row)[0], statistics.row(row)[1])
                var along = Lanes.zero
                var total = Lanes.zero
                var column = 0
                while column &+ 8 <= input.count {
                    let scaled = gradient.lanes(column) * weight.lanes(column)
                    along += scaled * (input.lanes(column) - mean)
                    total += scaled
                    column &+= 8
                }
                var (projection, sum) = (along.sum(), total.sum())
                while column < input.count {
                    let scaled = gradient[column] * weight[column]
                    projection += scaled * (input[column] - mean)
                    sum += scaled
                    column &+= 1
                }
                let curvature = projection * inverse * inverse * inverse * width
                let offset = kind == .layer ? sum * inverse * width : 0
                var target = dx.row(row - range.lowerBound)
                for column in target.indices {
                    target[column] += gradient[column] * weight[column] * inverse - (input[column] - mean) * curvature - offset
                }
            }
        }
    }

    /// Adds each row's share of the gradients by weight (dw += dy (x - m) r) and, where `db` is not empty, by bias (db += dy).
    package static func addParameterGradients(
        dy: MatrixView, x: MatrixView, statistics: MatrixView, rows: Range<Int>, weight dw: inout MutableSpan<Float>,
        bias db: inout MutableSpan<Float>
    ) {
        for row in rows {
            let (gradient, input) = (dy.row(row), x.row(row))
            let (mean, inverse) = (statistics.row(row)[0], statistics.row(row)[1])
            for column in dw.indices { dw[column] += gradient[column] * ((input[column] - mean) * inverse) }
            for column in db.indices { db[column] += gradient[column] }
        }
    }

    @inline(__always)
    private static func moments(_ kind: ModelConfiguration.Norm, _ x: Span<Float>, _ epsilon: Float) -> (mean: Float, inverse: Float) {
        let width = Float(x.count)
        guard kind == .layer else { return (0, 1 / (x.dot(x) / width + epsilon).squareRoot()) }
        let mean = x.sum() / width
        var squares = Lanes.zero
        var column = 0
        while column &+ 8 <= x.count {
            let distance = x.lanes(column) - mean
            squares += distance * distance
            column &+= 8
        }
        var variance = squares.sum()
        while column < x.count {
            variance += (x[column] - mean) * (x[column] - mean)
            column &+= 1
        }
        return (mean, 1 / (variance / width + epsilon).squareRoot())
    }
}
