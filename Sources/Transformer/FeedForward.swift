package import Checkpoints
package import Tensors

/// What stands between the feed-forward block's expansion and its contraction. F: the feed-forward width.
///
///     gated   a = f(gate) up     expanded (N x 2F): gate, then up
///     plain   a = f(x)           expanded (N x F)
package enum FeedForward {
    private static let rowsPerBlock = 16

    /// Columns of the expanded buffer.
    package static func expandedColumns(_ kind: ModelConfiguration.Activation, width: Int) -> Int { kind.isGated ? 2 * width : width }

    /// activated (N x F) from expanded.
    package static func forward(_ kind: ModelConfiguration.Activation, _ expanded: MatrixView, into activated: inout MutableMatrixView) {
        switch kind.function {
        case .silu: forward(SiLU.self, isGated: kind.isGated, expanded, into: &activated)
        case .geluTanh: forward(TanhGELU.self, isGated: kind.isGated, expanded, into: &activated)
        case .gelu: forward(GELU.self, isGated: kind.isGated, expanded, into: &activated)
        case .relu: forward(ReLU.self, isGated: kind.isGated, expanded, into: &activated)
        }
    }

    /// d(loss)/d(expanded), given d(loss)/d(activated). Overwrites `gradient`.
    package static func backward(
        _ kind: ModelConfiguration.Activation, dActivated: MatrixView, expanded: MatrixView, into gradient: inout MutableMatrixView
    ) {
        switch kind.function {
        case .silu: backward(SiLU.self, isGated: kind.isGated, dActivated, expanded, into: &gradient)
        case .geluTanh: backward(TanhGELU.self, isGated: kind.isGated, dActivated, expanded, into: &gradient)
        case .gelu: backward(GELU.self, isGated: kind.isGated, dActivated, expanded, into: &gradient)
        case .relu: backward(ReLU.self, isGated: kind.isGated, dActivated, expanded, into: &gradient)
        }
    }

    private static func forward<Function: ActivationFunction>(
        _: Function.Type, isGated: Bool, _ expanded: MatrixView, into activated: inout MutableMatrixView
    ) {
        RowParallel.rows(of: &activated, perBlock: rowsPerBlock) { range, activated in
            let width = activated.columns
            for row in range {
                var output = activated.row(row - range.lowerBound)
                let gate = expanded.row(row).extracting(0..<width)
                if isGated {
                    let up = expanded.row(row).extracting(width..<2 * width)
                    for column in output.indices { output[column] = Function.value(gate[column]) * up[column] }
                } else {
                    for column in output.indices { output[column] = Function.value(gate[column]) }
                }
            }
        }
    }

    private static func backward<Function: ActivationFunction>(
        _: Function.Type, isGated: Bool, _ dActivated: MatrixView, _ expanded: MatrixView, into gradient: inout MutableMatrixView
    ) {
        RowParallel.rows(of: &gradient, perBlock: rowsPerBlock) { range, gradient in
            let width = dActivated.columns
            for row in range {
                var output = gradient.row(row - range.lowerBound)
                let (gate, dActivated) = (expanded.row(row).extracting(0..<width), dActivated.row(row))
                guard isGated else {
                    for column in output.indices { output[column] = dActivated[column] * Function.slope(gate[column]) }
                    continue
                }
                let up = expanded.row(row).extracting(width..<2 * width)
                var dGate = output._mutatingExtracting(0..<width)
                for column in dGate.indices { dGate[column] = dActivated[column] * up[column] * Function.slope(gate[column]) }
                var dUp = output._mutatingExtracting(width..<2 * width)
                for column in dUp.indices { dUp[column] = dActivated[column] * Function.value(gate[column]) }
            }
        }
    }
}
