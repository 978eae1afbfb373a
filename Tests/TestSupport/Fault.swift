package import Storage

/// The error that a user would read.
package func fault(_ body: () throws -> Void) throws -> any DiagnosedError {
    do { try body() } catch let error as any DiagnosedError { return error }
    throw Unexpected()
}

/// Another error than the one a test is about, or none.
package struct Unexpected: Error {
    package init() {}
}
