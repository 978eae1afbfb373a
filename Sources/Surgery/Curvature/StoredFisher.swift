package import Tensors
internal import Transformer

/// An approximation of F that is made once, in backward sweeps over the m retain examples, and kept in scratch files.
///
/// A parameter may be looked at in a basis of its own: then all of this is in that basis, the mean gradient too.
///
/// A parameter's entries come as the columns of a matrix, from `offset` on, each row a vector of the parameter's space; pieces
/// begin and end where `blockSize` divides the place within the parameter, or with the parameter.
package protocol StoredFisher: AnyObject {
    /// How many consecutive entries of a parameter belong together.
    var blockSize: Int { get }
    /// The basis of a parameter, which then comes whole; nil: its own axes.
    func basis(of name: String) throws -> KroneckerBasis?
    /// 1/m sum_i g_i.
    var meanGradient: ParameterStore { get }

    /// Replaces each row g by W g, where W^T W = F^-1.
    func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) throws
    /// Replaces a vector v by F^-1 v.
    func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws
    /// Replaces a vector z by F^(-1/4) z. Returns the trace of F^(-1/2) over those entries.
    func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws -> Double
}

extension StoredFisher {
    package func basis(of name: String) throws -> KroneckerBasis? { nil }

    /// Calls `body` with the factors of a slice's gradients in the parameter's basis.
    func express(
        _ slice: ParameterSlice, _ factors: borrowing GradientFactors, _ body: (borrowing GradientFactors) throws -> Void
    ) throws {
        if let basis = try basis(of: slice.name) { try basis.express(factors, body) } else { try body(factors) }
    }
}
