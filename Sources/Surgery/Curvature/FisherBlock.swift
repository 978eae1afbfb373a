internal import Tensors

/// The inverse and the root of one dense block of a damped empirical Fisher, lambda I + 1/m G^T G with G of m x B, all in Double.
package struct FisherBlock: Sendable {
    /// B.
    package let size: Int
    /// W, row-major and lower triangular, with W^T W = F^-1: the inverse of F's Cholesky factor.
    package let whitening: [Double]

    /// - Parameters:
    ///   - products: 1/m G^T G, B x B, row-major; its lower triangle is read.
    ///   - damping: lambda.
    ///
    /// Nil where the sum is not positive definite, or not finite.
    package init?(_ products: [Double], size: Int, damping: Double) {
        var damped = products
        for index in 0..<size { damped[index * size + index] += damping }
        guard let inverse = LinearAlgebra.inverseCholeskyFactor(damped, count: size), inverse.allSatisfy({ $0.isFinite }) else {
            return nil
        }
        self.size = size
        whitening = inverse
    }

    /// Of a W that is known.
    init(whitening: [Double], size: Int) { (self.whitening, self.size) = (whitening, size) }

    /// F^-1, row-major.
    package var inverse: [Double] {
        var result = [Double](repeating: 0, count: size * size)
        for k in 0..<size {
            for i in 0...k { for j in 0...k { result[i * size + j] += whitening[k * size + i] * whitening[k * size + j] } }
        }
        return result
    }

    /// F^(-1/4) z, and the trace of F^(-1/2). Nil where LAPACK does not converge.
    package func root(of z: [Double]) -> (vector: [Double], trace: Double)? {
        guard let (values, vectors) = LinearAlgebra.eigen(inverse, count: size) else { return nil }
        var (result, trace) = ([Double](repeating: 0, count: size), 0.0)
        for k in 0..<size {
            let half = max(0, values[k]).squareRoot()
            trace += half
            let along = half.squareRoot() * (0..<size).reduce(0.0) { $0 + vectors[k * size + $1] * z[$1] }
            for index in 0..<size { result[index] += along * vectors[k * size + index] }
        }
        return (result, trace)
    }
}
