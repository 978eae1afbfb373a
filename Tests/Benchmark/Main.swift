internal import Checkpoints
internal import Dispatch
internal import Storage
internal import SystemPackage
internal import Tensors
internal import Transformer

/// Times a gradient sweep: `benchmark MODEL WINDOWS LENGTH THREADS` goes forward and backward over so many windows of so
/// many tokens (1, 2, 3, … modulo the vocabulary) and forms every parameter's mean gradient, once to warm up and once for
/// the clock; prints tokens and seconds. Tests/parity/throughput.py runs it beside PyTorch.
@main
struct Benchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let windows = Int(arguments[2]), let length = Int(arguments[3]), let threads = Int(arguments[4]),
            windows > 0, length > 1
        else {
            print("usage: benchmark MODEL WINDOWS LENGTH THREADS")
            return
        }
        RowParallel.threads = threads
        let model = try LanguageModel(FileTree(directory: FilePath(arguments[1])))
        let vocabulary = Int32(model.configuration.vocabularySize)
        let examples = (0..<windows).map { window in
            let tokens = (0...length).map { Int32(window * length + $0 * 7 + 1) % vocabulary }
            return Example(windows: [Window(inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()))])
        }
        let batch = TokenBatch(examples)
        var seconds = 0.0
        for _ in 0..<2 {
            let start = DispatchTime.now().uptimeNanoseconds
            var sweep = try LayerSweep(model, batch, plan: .unbounded)
            _ = try sweep.scoreKeeping(from: model.checkpoint)
            try sweep.backward(from: model.checkpoint, tap: MeanGradient(examples: windows))
            seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        }
        print("{\"tokens\": \(windows * length), \"seconds\": \(seconds), \"kernels\": \"\(LinearAlgebra.kernels)\"}")
    }
}

/// Forms every parameter's mean gradient and lets it go.
private final class MeanGradient: GradientTap {
    let needsEveryExample = true
    private let coefficients: [Float]

    init(examples: Int) { coefficients = [Float](repeating: 1 / Float(examples), count: examples) }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        var buffer = Matrix(rows: slice.rows, columns: slice.columns)
        var gradient = buffer.mutableView
        factors.weightedGradient(coefficients, ofRows: 0..<slice.rows, into: &gradient)
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}
