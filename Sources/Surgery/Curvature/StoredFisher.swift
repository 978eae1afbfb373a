package import Tensors

/// An approximation of F that is made once, in backward sweeps over the m retain examples, and kept in scratch files.
///
/// A parameter's entries come as the columns of a matrix, from `offset` on, each row a vector of the parameter's space; pieces
/// begin and end where `blockSize` divides the place within the parameter, or with the parameter.
package protocol StoredFisher: AnyObject {
    /// How many consecutive entries of a parameter belong together.
    var blockSize: Int { get }
    /// 1/m sum_i g_i.
    var meanGradient: ParameterStore { get }

    /// Replaces each row g by W g, where W^T W = F^-1.
    func whiten(_ rows: inout MutableMatrixView, of name: String, from offset: Int) throws
    /// Replaces a vector v by F^-1 v.
    func invert(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws
    /// Replaces a vector z by F^(-1/4) z. Returns the trace of F^(-1/2) over those entries.
    func root(_ vector: inout MutableMatrixView, of name: String, from offset: Int) throws -> Double
}
