package import Checkpoints
package import Tensors

/// What stands between the feed-forward block's expansion and its contraction. F: the feed-forward width.
///
///     gated   a = silu(gate) up,  silu(x) = x / (1 + e^-x)           expanded (N x 2F): gate, then up
///     plain   a = gelu(x) = x/2 (1 + tanh(sqrt(2/pi)(x + 0.044715 x^3)))   expanded (N x F)
package enum FeedForward {
    private static let rowsPerBlock = 16

    /// Columns of the expanded buffer.
    package static func expandedColumns(_ kind: ModelConfiguration.Activation, width: Int) -> Int { kind == .siluGated ? 2 * width : width }

    /// activated (N x F) from expanded.
    package static func forward(_ kind: ModelConfiguration.Activation, _ expanded: MatrixView, into activated: inout MutableMatrixView) {
        RowParallel.rows(of: &activated, perBlock: rowsPerBlock) { range, activated in
            let width = activated.columns
            for row in range {
                var output = activated.row(row - range.lowerBound)
                let input = expanded.row(row)
                switch kind {
                case .siluGated:
                    let (gate, up) = (input.extracting(0..<width), input.extracting(width..<2 * width))
                    for column in output.indices { output[column] = gate[column] / (1 + exponential(-gate[column])) * up[column] }
                case .geluTanh:
                    for column in output.indices {
                        let x = input[column]
                        output[column] = 0.5 * x * (1 + hyperbolicTangent(0.7978845608 * (x + 0.044715 * x * x * x)))
                    }
                }
            }
        }
    }

    /// d(loss)/d(expanded), given d(loss)/d(activated). Overwrites `gradient`.
    package static func backward(
        _ kind: ModelConfiguration.Activation, dActivated: MatrixView, expanded: MatrixView, into gradient: inout MutableMatrixView
    ) {
        RowParallel.rows(of: &gradient, perBlock: rowsPerBlock) { range, gradient in
            let width = dActivated.columns
            for row in range {
                var output = gradient.row(row - range.lowerBound)
                let (input, dActivated) = (expanded.row(row), dActivated.row(row))
                switch kind {
                case .siluGated:
                    let (gate, up) = (input.extracting(0..<width), input.extracting(width..<2 * width))
                    var dGate = output._mutatingExtracting(0..<width)
                    for column in dGate.indices {
                        let sigmoid = 1 / (1 + exponential(-gate[column]))
                        dGate[column] = dActivated[column] * up[column] * sigmoid * (1 + gate[column] * (1 - sigmoid))
                    }
                    var dUp = output._mutatingExtracting(width..<2 * width)
                    for column in dUp.indices { dUp[column] = dActivated[column] * gate[column] / (1 + exponential(-gate[column])) }
                case .geluTanh:
                    for column in output.indices {
                        let x = input[column]
                        let tangent = hyperbolicTangent(0.7978845608 * (x + 0.044715 * x * x * x))
                        let slope = 0.7978845608 * (1 + 3 * 0.044715 * x * x) * (1 - tangent * tangent)
                        output[column] = dActivated[column] * (0.5 * (1 + tangent) + 0.5 * x * slope)
                    }
                }
            }
        }
    }
}
