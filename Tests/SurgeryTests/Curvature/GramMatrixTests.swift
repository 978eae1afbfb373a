import Surgery
import Tensors
import TestSupport
import Testing
import Transformer

@Suite struct GramMatrixTests {
    /// Inner products through tokens and through gradients, against whole gradients in Double: 1e-5, float32.
    @Test(arguments: ["llama-tied-gqa", "gpt2-full-context"])
    func tokensAndGradientsAgree(name: String) throws {
        let pico = try PicoExamples(name)
        let tap = BothWays(examples: 6)
        try pico.backward(tap)
        #expect(tap.products.count > 10)
        for (parameter, values) in tap.products {
            let expected = gram(pico.rows(parameter)).values
            // GPT-2's key bias has no gradient but rounding's: softmax does not see a shift.
            guard expected[0] > 1e-10 else { continue }
            #expect(relativeDifference(values.tokens, expected) < 1e-5, "\(parameter)")
            #expect(relativeDifference(values.chosen, expected) < 1e-5, "\(parameter)")
        }
    }

    /// Few tokens an example: through tokens, as DESIGN's count of multiplications says; many: through gradients.
    @Test func theCheaperWayIsTaken() {
        for (tokens, expected) in [(4, true), (400, false)] {
            let left = Matrix(rows: 3 * tokens, columns: 64)
            let right = Matrix(rows: 3 * tokens, columns: 64)
            let factors = GradientFactors(
                left: left.view, right: right.view, exampleRows: (0..<3).map { $0 * tokens..<($0 + 1) * tokens })
            let isCheaper = factors.isCheaperByTokens
            #expect(isCheaper == expected)
        }
    }
}

/// Each parameter's Gram matrix, through tokens and as it is chosen.
private final class BothWays: GradientTap {
    let needsEveryExample = true
    private let examples: Int
    var products: [String: (tokens: [Double], chosen: [Double])] = [:]

    init(examples: Int) { self.examples = examples }

    func visit(_ slice: ParameterSlice, _ factors: borrowing GradientFactors, examples: Range<Int>) throws {
        guard factors.isProduct, slice.firstRow == 0 else { return }
        var byTokens = Matrix(rows: self.examples, columns: self.examples)
        var view = byTokens.mutableView
        factors.tokenProducts(into: &view)
        var gram = GramMatrix(count: self.examples)
        gram.add(slice, factors)
        products[slice.name] = ((0..<byTokens.count).map { Double(byTokens.elements[$0]) }, gram.values)
    }

    func finish(_ group: ParameterGroup) throws -> Bool { false }
}
