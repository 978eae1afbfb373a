/// What kind of thing went wrong, and with it the exit code (CONTRACT: sysexits).
package enum Fault: Int32, Sendable {
    case usage = 64
    case malformedInput = 65
    case missingInput = 66
    case unsupported = 69
    case internalError = 70
    case cannotCreate = 73
    case inputOutput = 74
    case digestMismatch = 76
    case overBudget = 78
}

/// An error that a user reads: each module's error enum is one.
///
/// `description` is one or two sentences: what is wrong, where (file, tensor, record), what was expected and found, what to do.
package protocol DiagnosedError: Error, CustomStringConvertible, Sendable {
    /// The exit code's class.
    var fault: Fault { get }
    /// A stable code for programs, in kebab case: `offset-gap`, `missing-file`.
    var kind: String { get }
}
