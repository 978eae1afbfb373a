internal import Synchronization
internal import Tensors

/// The number of threads is the process's: one test at a time changes it.
private let changing = Mutex(())

/// Runs `body` with as many threads allowed, and then allows as many as before. Tests that run beside it may use that many too; nothing that
/// is computed depends on it.
package func withThreads<Result, Failure: Error>(_ count: Int, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    try changing.withLock { _ throws(Failure) in
        let before = RowParallel.threads
        defer { RowParallel.threads = before }
        RowParallel.threads = count
        return try body()
    }
}
