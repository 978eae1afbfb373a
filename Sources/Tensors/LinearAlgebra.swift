internal import COpenBLAS

/// Products and factorisations, by OpenBLAS. The only file that calls it.
///
/// OpenBLAS runs each call on the calling thread; products are cut into tiles here, by their shape alone, so that their
/// bits do not depend on the number of threads.
package enum LinearAlgebra {
    /// The name of OpenBLAS's kernels in use (for the CPU, or by OPENBLAS_CORETYPE): the same name and the same inputs give
    /// the same bits.
    package static let kernels: String = {
        openblas_set_num_threads(1)
        return unsafe String(cString: openblas_get_corename())
    }()

    /// c = a b, or c += a b where `adding`. Shapes: (m x k) (k x n) -> (m x n).
    package static func multiply(_ a: MatrixView, _ b: MatrixView, into c: inout MutableMatrixView, adding: Bool = false) {
        let (rows, columns) = tileShape(c.rows, c.columns, a.columns)
        let across = (c.columns + columns - 1) / columns
        let pieces = (c.rows + rows - 1) / rows * across
        let (height, width) = (c.rows, c.columns)
        RowParallel.forEach(pieces, writing: &c) { piece, shared in
            let (down, right) = (piece / across * rows, piece % across * columns)
            let (i, j) = (down..<min(height, down + rows), right..<min(width, right + columns))
            var tile = shared.tile(rows: i, columns: j)
            multiplySerially(a.rows(i), b.columns(j), into: &tile, adding: adding)
        }
    }

    /// c += a^T a, of which the lower triangle counts; what is above it is undefined: (k x n) -> (n x n).
    package static func addGram(_ a: MatrixView, into c: inout MutableMatrixView) {
        precondition(c.rows == a.columns && c.columns == a.columns)
        let (n, height) = (a.columns, 192)
        // Later blocks are wider: they come first, so that no thread is left with the widest.
        let blocks = stride(from: 0, to: n, by: height).map { $0..<min(n, $0 + height) }.reversed().map { $0 }
        RowParallel.forEach(blocks.count, writing: &c) { block, shared in
            let rows = blocks[block]
            var tile = shared.tile(rows: rows, columns: 0..<rows.upperBound)
            multiplySerially(a.columns(rows).transposed, a.columns(0..<rows.upperBound), into: &tile, adding: true)
        }
    }

    /// The same on the calling thread, for work that is already one piece among many.
    package static func multiplySerially(
        _ a: MatrixView, _ b: MatrixView, into c: inout MutableMatrixView, scale: Float = 1, adding: Bool = false
    ) {
        precondition(a.rows == c.rows && b.columns == c.columns && a.columns == b.rows)
        precondition(!kernels.isEmpty)
        let (m, n, k) = (Int32(c.rows), Int32(c.columns), Int32(a.columns))
        let (strideA, strideB, strideC) = (Int32(max(a.stride, 1)), Int32(max(b.stride, 1)), Int32(max(c.stride, 1)))
        let (transposeA, transposeB) = (a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans)
        unsafe a.elements.withUnsafeBufferPointer { left in
            unsafe b.elements.withUnsafeBufferPointer { right in
                unsafe c.elements.withUnsafeMutableBufferPointer { result in
                    unsafe cblas_sgemm(
                        CblasRowMajor, transposeA, transposeB, m, n, k, scale, left.baseAddress, strideA, right.baseAddress, strideB,
                        adding ? 1 : 0, result.baseAddress, strideC)
                }
            }
        }
    }

    /// Rows and columns of a tile: fixed by the product's shape, some eight tiles or more where there is work for them.
    private static func tileShape(_ m: Int, _ n: Int, _ k: Int) -> (rows: Int, columns: Int) {
        guard m * n * k > 1 << 19 else { return (max(m, 1), max(n, 1)) }
        let rows = min(m, 512)
        let down = (m + rows - 1) / rows
        let wanted = max(1, 8 / down)
        let columns = max(64, ((n + wanted - 1) / wanted + 31) / 32 * 32)
        return (rows, min(columns, 768))
    }

    /// x of `a x = b` for a symmetric positive definite a (n x n, row-major) by Cholesky; nil where a is not. b may hold several
    /// right-hand sides of `order` numbers, one after the other, and so does what is found.
    package static func solve(_ a: [Double], _ b: [Double], order: Int? = nil) -> [Double]? {
        precondition(!kernels.isEmpty)
        let n = order ?? b.count
        precondition(a.count == n * n)
        guard n > 0, !b.isEmpty else { return [] }
        precondition(b.count.isMultiple(of: n))
        var (factor, solution) = (a, b)
        var (size, sides, info) = (Int32(n), Int32(b.count / n), Int32(0))
        unsafe dposv_("L", &size, &sides, &factor, &size, &solution, &size, &info)
        return info == 0 ? solution : nil
    }

    /// W, lower triangular, with W^T W = a^-1 for a symmetric positive definite a (n x n, row-major, its lower triangle read): the
    /// inverse of a's Cholesky factor. Nil where a is not.
    package static func inverseCholeskyFactor(_ a: [Double], count n: Int) -> [Double]? {
        precondition(!kernels.isEmpty && a.count == n * n)
        guard n > 0 else { return [] }
        // Row-major and lower is column-major and upper.
        var (factor, order, info) = (a, Int32(n), Int32(0))
        unsafe dpotrf_("U", &order, &factor, &order, &info)
        guard info == 0 else { return nil }
        unsafe dtrtri_("U", "N", &order, &factor, &order, &info)
        guard info == 0 else { return nil }
        for row in 0..<n { for column in (row + 1)..<n { factor[row * n + column] = 0 } }
        return factor
    }

    /// gram += panel^T panel, of which the lower triangle counts: the panel (rows x n, row-major) in Double.
    package static func addGram(_ panel: [Double], columns n: Int, into gram: inout [Double]) {
        precondition(!kernels.isEmpty && n > 0 && panel.count.isMultiple(of: n) && gram.count == n * n)
        let (order, rows) = (Int32(n), Int32(panel.count / n))
        unsafe cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, order, rows, 1, panel, order, 1, &gram, order)
    }

    /// Replaces a symmetric a (n x n, its lower triangle read) by its eigenvectors, one a row, by ascending eigenvalue. False where LAPACK
    /// does not converge: a is spoiled. On the calling thread; takes room for twice as many numbers.
    package static func replaceByEigenvectors(_ a: inout MutableMatrixView) -> Bool {
        precondition(!kernels.isEmpty && a.rows == a.columns && a.stride == a.columns)
        guard a.rows > 0 else { return true }
        var (order, info, query) = (Int32(a.rows), Int32(0), Int32(-1))
        var values = [Float](repeating: 0, count: a.rows)
        return unsafe a.elements.withUnsafeMutableBufferPointer { vectors in
            // Row-major and lower is column-major and upper.
            var (size, integerSize) = (Float(0), Int32(0))
            unsafe ssyevd_("V", "U", &order, vectors.baseAddress, &order, &values, &size, &query, &integerSize, &query, &info)
            // A Float rounds what is beyond 2^24.
            var (length, integerLength) = (Int32(size.nextUp), integerSize)
            var work = [Float](repeating: 0, count: Int(length))
            var integers = [Int32](repeating: 0, count: Int(integerLength))
            unsafe ssyevd_("V", "U", &order, vectors.baseAddress, &order, &values, &work, &length, &integers, &integerLength, &info)
            return info == 0
        }
    }

    /// Eigenvalues (ascending) and eigenvectors of a symmetric a (n x n, row-major): row k of `vectors` is the k-th. Nil where
    /// LAPACK does not converge.
    package static func eigen(_ a: [Double], count n: Int) -> (values: [Double], vectors: [Double])? {
        precondition(!kernels.isEmpty && a.count == n * n)
        guard n > 0 else { return ([], []) }
        var (vectors, values) = (a, [Double](repeating: 0, count: n))
        var (order, info, query) = (Int32(n), Int32(0), Int32(-1))
        var (size, integerSize) = (0.0, Int32(0))
        unsafe dsyevd_("V", "L", &order, &vectors, &order, &values, &size, &query, &integerSize, &query, &info)
        var (length, integerLength) = (Int32(size), integerSize)
        var work = [Double](repeating: 0, count: Int(length))
        var integers = [Int32](repeating: 0, count: Int(integerLength))
        unsafe dsyevd_("V", "L", &order, &vectors, &order, &values, &work, &length, &integers, &integerLength, &info)
        return info == 0 ? (values, vectors) : nil
    }
}
