import Checkpoints
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Transformer

/// Six short examples on a pico model, and each one's whole gradient, parameter by parameter.
struct PicoExamples {
    let model: LanguageModel
    let examples: [Example]
    let batch: TokenBatch
    /// Every example's gradient of every parameter.
    let gradients: [[String: [Float]]]
    let losses: [Double]

    init(_ name: String = "llama-tied-gqa") throws {
        model = try Fixture.model(name)
        let stored = try Checkpoint(Fixture.directory.appending(name).appending("examples.safetensors"))
        examples = try (0..<6).map { index in
            let tokens = try stored.tokens("example\(index)/tokens")
            let scored = try stored.bytes("example\(index)/scored")
            let targets = zip(tokens.dropFirst(), scored).map { $1 == 0 ? Window.unscored : $0 }
            return Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: targets)])
        }
        batch = TokenBatch(examples)
        var sweep = try LayerSweep(model, batch, plan: .unbounded)
        losses = try sweep.scoreKeeping(from: model.checkpoint).meanLosses(batch)
        var gradients: [[String: [Float]]] = []
        for index in examples.indices {
            let tap = GradientCollector(coefficients: examples.indices.map { $0 == index ? 1 : 0 })
            try sweep.backward(from: model.checkpoint, tap: tap)
            gradients.append(tap.gradients)
        }
        self.gradients = gradients
    }

    /// One backward sweep over the examples.
    func backward(_ tap: any GradientTap) throws {
        var sweep = try LayerSweep(model, batch, plan: .unbounded)
        _ = try sweep.scoreKeeping(from: model.checkpoint)
        try sweep.backward(from: model.checkpoint, tap: tap)
    }

    /// A sweep over some examples before others, the rows, scored from the model itself.
    func sweep(_ companions: Range<Int>, _ rows: Range<Int>, rowsPerMicroBatch: Int = TokenBatch.largestMicroBatch) throws -> RowSweep {
        let batch = TokenBatch(Array(examples[companions]) + Array(examples[rows]), rowsPerMicroBatch: rowsPerMicroBatch)
        var sweep = try RowSweep(
            model, SelectedParameters(model.layout.parameters), batch: batch, companions: companions.count, plan: .unbounded)
        _ = try sweep.score(from: model.checkpoint)
        return sweep
    }

    /// The examples' gradients of one parameter, in Double.
    func rows(_ name: String) -> [[Double]] { gradients.map { ($0[name] ?? []).map(Double.init) } }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// Norm of the difference over the norm of what was expected.
func relativeDifference(_ found: [Double], _ expected: [Double]) -> Double {
    let difference = zip(found, expected).map { $0 - $1 }
    return (dot(difference, difference) / max(dot(expected, expected), 1e-300)).squareRoot()
}

/// G^T c.
func combination(_ rows: [[Double]], _ coefficients: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: rows[0].count)
    for (row, coefficient) in zip(rows, coefficients) { for index in sum.indices { sum[index] += coefficient * row[index] } }
    return sum
}

func gram(_ rows: [[Double]]) -> GramMatrix {
    var matrix = GramMatrix(count: rows.count)
    matrix.add(rows.flatMap { row in rows.map { dot(row, $0) } })
    return matrix
}

extension CurvatureKind {
    /// Each kind, and each kind of block.
    static let all: [CurvatureKind] = [.diagonal, .ekfac, .block(50)] + Block.allCases.map { .woodbury($0) }
}
