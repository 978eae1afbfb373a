import Tensors
import Testing

/// Products and solutions against plain loops in Double.
@Suite struct LinearAlgebraTests {
    /// Rows, columns and inner length: single elements and rows, one tile, and several tiles down, across, and both.
    static let shapes = [(1, 1, 1), (1, 40, 9), (5, 7, 3), (33, 65, 17), (600, 90, 40), (64, 1700, 16), (520, 300, 33)]

    /// All four transpositions, dense and as columns of wider matrices whose other columns are NaN.
    @Test(arguments: shapes, [0, 3])
    func productsAreTheNaiveOnes(shape: (Int, Int, Int), margin: Int) {
        let (m, n, k) = shape
        let (left, right, start) = (noise(m * k, seed: 1), noise(k * n, seed: 2), noise(m * n, seed: 3))
        let (product, bound) = naiveProduct(left, right, m, n, k)
        for (isLeftTransposed, isRightTransposed, adds) in [
            (false, false, false), (true, false, true), (false, true, false), (true, true, true),
        ] {
            let a = stored(left, m, k, isTransposed: isLeftTransposed, margin: margin)
            let b = stored(right, k, n, isTransposed: isRightTransposed, margin: margin)
            var c = stored(start, m, n, isTransposed: false, margin: margin)
            var whole = c.mutableView
            var output = whole.columns(margin..<margin + n)
            LinearAlgebra.multiply(
                view(a, isTransposed: isLeftTransposed, margin: margin), view(b, isTransposed: isRightTransposed, margin: margin),
                into: &output,
                adding: adds)
            var largest = 0.0
            var touched = 0
            for row in 0..<m {
                let found = c.rows(row..<row + 1).row(0)
                for column in 0..<n {
                    let expected = product[row * n + column] + (adds ? Double(start[row * n + column]) : 0)
                    largest = max(largest, abs(Double(found[margin + column]) - expected) / (bound[row * n + column] + (adds ? 1 : 0)))
                }
                for column in 0..<margin { touched += (found[column].isNaN ? 0 : 1) + (found[margin + n + column].isNaN ? 0 : 1) }
            }
            // A sum of k rounded products, in any order, is off by at most k + 1 half units of the sum of magnitudes.
            #expect(largest <= Double(k + 2) * 0x1p-24, "\(isLeftTransposed) \(isRightTransposed) \(adds)")
            #expect(touched == 0)
        }
    }

    /// What `multiplySerially` alone can do: a factor, and replacing what was there even where it was NaN.
    @Test func serialProductsAreScaled() {
        let (m, n, k) = (9, 14, 6)
        let (left, right) = (noise(m * k, seed: 4), noise(k * n, seed: 5))
        var c = Matrix(rows: m, columns: n)
        c.fill(.nan)
        var output = c.mutableView
        LinearAlgebra.multiplySerially(
            MatrixView(left.span, rows: m, columns: k), MatrixView(right.span, rows: k, columns: n), into: &output, scale: -0.5)
        let (product, bound) = naiveProduct(left, right, m, n, k)
        let worst = (0..<m * n).map { abs(Double(c.elements[$0]) + 0.5 * product[$0]) / bound[$0] }.max() ?? .infinity
        #expect(worst <= Double(k + 2) * 0x1p-24)
    }

    /// Relative error 1e-12: the matrices' condition numbers are below 100, Double has 16 digits.
    @Test(arguments: [1, 2, 5, 40])
    func solvesWithAKnownSolution(n: Int) throws {
        let factor = noise(n * n, seed: 6).map(Double.init)
        let solution = noise(n, seed: 7).map(Double.init)
        var matrix = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            for j in 0..<n {
                matrix[i * n + j] = (0..<n).reduce(i == j ? Double(n) / 4 : 0) { $0 + factor[i * n + $1] * factor[j * n + $1] }
            }
        }
        let right = (0..<n).map { i in (0..<n).reduce(0) { $0 + matrix[i * n + $1] * solution[$1] } }
        let found = try #require(LinearAlgebra.solve(matrix, right))
        #expect((0..<n).allSatisfy { abs(found[$0] - solution[$0]) < 1e-12 })
    }

    @Test(arguments: [[1.0, 2, 2, 1], [0, 0, 0, 0], [-1, 0, 0, 1], [1, 1, 1, 1]])
    func whatIsNotPositiveDefiniteHasNoSolution(matrix: [Double]) {
        #expect(LinearAlgebra.solve(matrix, [1, 2]) == nil)
    }

    @Test func theEmptySystemHasTheEmptySolution() {
        #expect(LinearAlgebra.solve([], []) == [])
    }

    /// Two right-hand sides after each other, and W with W^T W = a^-1 of the lower triangle, on a 2 x 2 done by hand: 1e-12.
    @Test func severalSidesAndTheInverseFactor() throws {
        let solved = try #require(LinearAlgebra.solve([4, 2, 2, 3], [1, 0, 0, 1], order: 2))
        let inverse = [0.375, -0.25, -0.25, 0.5]
        for (found, expected) in zip(solved, inverse) { #expect(abs(found - expected) < 1e-12) }
        let w = try #require(LinearAlgebra.inverseCholeskyFactor([4, .nan, 2, 3], count: 2))
        #expect(w[1] == 0)
        let product = [w[0] * w[0] + w[2] * w[2], w[2] * w[3], w[2] * w[3], w[3] * w[3]]
        for (found, expected) in zip(product, inverse) { #expect(abs(found - expected) < 1e-12) }
        #expect(LinearAlgebra.inverseCholeskyFactor([1, 2, 2, 1], count: 2) == nil)
    }

    /// a^T a on top of what is there, of which the lower triangle counts: of one block, of several, and of one row.
    @Test(arguments: [(1, 1), (9, 14), (33, 200), (1, 500), (40, 192), (300, 385)])
    func gramsAreTheNaiveOnes(k: Int, n: Int) {
        let (values, start) = (noise(k * n, seed: 8), noise(n * n, seed: 9))
        var sum = stored(start, n, n, isTransposed: false, margin: 0)
        var view = sum.mutableView
        LinearAlgebra.addGram(MatrixView(values.span, rows: k, columns: n), into: &view)
        let transposed = (0..<n * k).map { values[$0 % k * n + $0 / k] }
        let (product, bound) = naiveProduct(transposed, values, n, n, k)
        var largest = 0.0
        for i in 0..<n {
            for j in 0...i {
                let expected = product[i * n + j] + Double(start[i * n + j])
                largest = max(largest, abs(Double(sum.elements[i * n + j]) - expected) / (bound[i * n + j] + 1))
            }
        }
        // As for products.
        #expect(largest <= Double(k + 2) * 0x1p-24)
    }

    /// Eigenvectors of the lower triangle, one a row, by ascending eigenvalue: orthogonal, and a is diagonal in them. LAPACK's error is
    /// some units in the last place (6e-8) of the largest eigenvalue, with the order a small multiple: 1e-5.
    @Test(arguments: [1, 2, 5, 40, 130])
    func eigenvectorsMakeItDiagonal(n: Int) {
        let half = noise(n * n, seed: 10).map(Double.init)
        func symmetric(_ i: Int, _ j: Int) -> Double { half[max(i, j) * n + min(i, j)] }
        var vectors = Matrix(rows: n, columns: n)
        vectors.fill(.nan)
        for i in 0..<n { for j in 0...i { setElement(&vectors, i, j, Float(symmetric(i, j))) } }
        var view = vectors.mutableView
        let isFound = LinearAlgebra.replaceByEigenvectors(&view)
        #expect(isFound)
        let found = (0..<n * n).map { Double(vectors.elements[$0]) }
        let size = (0..<n).reduce(0.0) { size, i in max(size, (0..<n).reduce(0.0) { $0 + abs(symmetric(i, $1)) }) }
        let products = (0..<n).map { k in (0..<n).map { i in (0..<n).reduce(0.0) { $0 + symmetric(i, $1) * found[k * n + $1] } } }
        var last = -Double.infinity
        for k in 0..<n {
            for l in 0..<n {
                let inner = (0..<n).reduce(0.0) { $0 + found[k * n + $1] * found[l * n + $1] }
                let moment = (0..<n).reduce(0.0) { $0 + found[l * n + $1] * products[k][$1] }
                #expect(abs(inner - (k == l ? 1 : 0)) < 1e-5)
                if k == l {
                    #expect(moment > last - 1e-5 * size)
                    last = moment
                } else {
                    #expect(abs(moment) < 1e-5 * size)
                }
            }
        }
    }

    private func setElement(_ matrix: inout Matrix, _ row: Int, _ column: Int, _ value: Float) {
        var target = matrix.mutableRows(row..<row + 1)
        target.elements[column] = value
    }

    @Test func noMatrixHasNoEigenvectors() {
        var none = Matrix(rows: 0, columns: 0)
        var view = none.mutableView
        let isFound = LinearAlgebra.replaceByEigenvectors(&view)
        #expect(isFound)
    }

    @Test func theKernelsHaveAName() {
        #expect(!LinearAlgebra.kernels.isEmpty)
    }

    /// The product, and the sum of magnitudes behind each of its elements.
    private func naiveProduct(_ a: [Float], _ b: [Float], _ m: Int, _ n: Int, _ k: Int) -> (product: [Double], magnitudes: [Double]) {
        var product = [Double](repeating: 0, count: m * n)
        var magnitudes = product
        for i in 0..<m {
            for l in 0..<k {
                for j in 0..<n {
                    let term = Double(a[i * k + l]) * Double(b[l * n + j])
                    product[i * n + j] += term
                    magnitudes[i * n + j] += abs(term)
                }
            }
        }
        return (product, magnitudes)
    }

    /// Row-major values as a matrix that may hold their transpose, with `margin` columns of NaN on either side.
    private func stored(_ values: [Float], _ rows: Int, _ columns: Int, isTransposed: Bool, margin: Int) -> Matrix {
        let (height, width) = isTransposed ? (columns, rows) : (rows, columns)
        var result = Matrix(rows: height, columns: width + 2 * margin)
        result.fill(.nan)
        var elements = result.mutableElements
        for i in 0..<height {
            for j in 0..<width {
                elements[i * (width + 2 * margin) + margin + j] = isTransposed ? values[j * columns + i] : values[i * columns + j]
            }
        }
        return result
    }

    @_lifetime(borrow matrix)
    private func view(_ matrix: borrowing Matrix, isTransposed: Bool, margin: Int) -> MatrixView {
        let inner = matrix.view.columns(margin..<matrix.columns - margin)
        return isTransposed ? inner.transposed : inner
    }
}

/// Numbers from -1 to 1 that look random, the same for the same seed.
func noise(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
    }
}
