import Checkpoints
import Foundation
import Tensors
import Transformer

/// The kernels again, in Double and without any thought of speed: what the fast ones are compared with. Rows are given one
/// after another, as a matrix holds them.
enum NaiveTwins {
    /// w (x - m) r + b of every row; RMS normalisation has no m.
    static func normalized(
        _ kind: ModelConfiguration.Norm, _ x: [Double], weight: [Double], bias: [Double], epsilon: Double
    ) -> [Double] {
        rows(x, width: weight.count).flatMap { row in
            let count = Double(row.count)
            let mean = kind == .layer ? row.reduce(0, +) / count : 0
            let inverse = 1 / (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count + epsilon).squareRoot()
            return row.indices.map { weight[$0] * (row[$0] - mean) * inverse + (bias.isEmpty ? 0 : bias[$0]) }
        }
    }

    /// The first `heads` heads of every row turned by the row's position, columns i and i + t/2 of a head, t
    /// those that are turned, as one complex number.
    static func rotated(_ x: [Double], columns: Int, heads: Int, headSize: Int, base: Double, turned: Int) -> [Double] {
        var result = x
        for (position, start) in stride(from: 0, to: x.count, by: columns).enumerated() {
            for head in 0..<heads {
                for index in 0..<turned / 2 {
                    let angle = Double(position) * pow(base, -2 * Double(index) / Double(turned))
                    let real = start + head * headSize + index
                    let imaginary = real + turned / 2
                    result[real] = x[real] * cos(angle) - x[imaginary] * sin(angle)
                    result[imaginary] = x[real] * sin(angle) + x[imaginary] * cos(angle)
                }
            }
        }
        return result
    }

    /// Every query's softmax over its own and earlier rows of its segment, and the mean of their values by it.
    static func attended(_ buffer: [Double], _ shape: Attention, segments: [Range<Int>]) -> [Double] {
        let size = shape.headSize
        let width = shape.heads * size
        var mixed = [Double](repeating: 0, count: buffer.count / shape.columns * width)
        func columns(_ row: Int, _ head: Int) -> ArraySlice<Double> {
            buffer[row * shape.columns + head * size..<row * shape.columns + (head + 1) * size]
        }
        for segment in segments {
            for head in 0..<shape.heads {
                let key = shape.heads + head * shape.keyValueHeads / shape.heads
                let value = key + shape.keyValueHeads
                for row in segment {
                    let seen = max(segment.lowerBound, shape.window.map { row + 1 - $0 } ?? 0)...row
                    let weights = softmax(
                        seen.map { other in
                            let score = Double(shape.scale) * inner(columns(row, head), columns(other, key))
                            let capped = shape.softcap.map { Double($0) * tanh(score / Double($0)) } ?? score
                            return capped - Double(shape.bias?.slopes[head] ?? 0) * Double(row - other)
                        })
                    for (weight, other) in zip(weights, seen) {
                        for (column, element) in columns(other, value).enumerated() {
                            mixed[row * width + head * size + column] += weight * element
                        }
                    }
                }
            }
        }
        return mixed
    }

    /// f(gate) up, or f(x); F columns from 2F or F.
    static func activated(_ kind: ModelConfiguration.Activation, _ expanded: [Double], width: Int) -> [Double] {
        guard kind.isGated else { return expanded.map { value(kind.function, $0) } }
        return rows(expanded, width: 2 * width).flatMap { row in (0..<width).map { value(kind.function, row[$0]) * row[width + $0] } }
    }

    /// Every row's softmax over all experts, 0 but at the k largest, and divided by their sum where normalised.
    static func routed(_ logits: [Double], experts: Int, k: Int, isNormalized: Bool) -> [Double] {
        rows(logits, width: experts).flatMap { row in
            let chosen = Set(row.indices.sorted { row[$0] > row[$1] }.prefix(k))
            let weights = softmax(row).enumerated().map { chosen.contains($0.offset) ? $0.element : 0 }
            return weights.map { $0 / (isNormalized ? weights.reduce(0, +) : 1) }
        }
    }

    /// Every row times the logistic function of its logit.
    static func gated(_ logits: [Double], _ x: [Double], width: Int) -> [Double] {
        zip(logits, rows(x, width: width)).flatMap { logit, row in row.map { $0 / (1 + exp(-logit)) } }
    }

    private static func value(_ function: ModelConfiguration.Activation.Function, _ x: Double) -> Double {
        switch function {
        case .silu: x / (1 + exp(-x))
        case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .gelu: 0.5 * x * (1 + erf(x / 2.squareRoot()))
        case .relu: max(x, 0)
        }
    }

    /// -log softmax(logits)[target] of every row.
    static func crossEntropy(_ logits: [Double], targets: [Int32]) -> [Double] {
        zip(rows(logits, width: logits.count / targets.count), targets).map { row, target in
            let largest = row.max() ?? 0
            return largest - row[Int(target)] + log(row.reduce(0) { $0 + exp($1 - largest) })
        }
    }

    static func softmax(_ scores: [Double]) -> [Double] {
        let largest = scores.max() ?? 0
        let sum = scores.reduce(0) { $0 + exp($1 - largest) }
        return scores.map { exp($0 - largest) / sum }
    }

    private static func rows(_ values: [Double], width: Int) -> [[Double]] {
        stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }
}

/// The gradient of `loss` at x by central differences. Of order h^2 = 1e-10: in Double far below what Float kernels round.
func numericalGradient(at x: [Double], of loss: ([Double]) -> Double) -> [Double] {
    x.indices.map { index in
        var direction = [Double](repeating: 0, count: x.count)
        direction[index] = 1
        return numericalSlope(at: x, along: direction, of: loss)
    }
}

/// The derivative of `loss` at x along a direction, by central differences: one number that every element of the gradient
/// has a part in, where there are too many to take them one by one.
func numericalSlope(at x: [Double], along direction: [Double], of loss: ([Double]) -> Double) -> Double {
    let step = 1e-5
    let above = zip(x, direction).map { $0 + step * $1 }
    let below = zip(x, direction).map { $0 - step * $1 }
    return (loss(above) - loss(below)) / (2 * step)
}

func inner(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

extension [Double] {
    var floats: [Float] { map(Float.init) }
}

extension [Float] {
    var doubles: [Double] { map(Double.init) }

    /// Elements from -scale to scale.
    static func random(_ count: Int, scale: Float = 1, _ generator: inout SeededGenerator) -> [Float] {
        (0..<count).map { _ in .random(in: -scale...scale, using: &generator) }
    }

    /// The elements that a view stands for, row by row.
    init(_ view: MatrixView) {
        self = (0..<view.rows).flatMap { row in (0..<view.columns).map { view.row(row)[$0] } }
    }
}

extension Matrix {
    init(_ values: [Float], columns: Int) {
        self.init(rows: values.count / columns, columns: columns)
        var elements = mutableElements
        for index in elements.indices { elements[index] = values[index] }
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
