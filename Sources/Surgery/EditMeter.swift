internal import Dispatch
internal import Synchronization

/// How far an edit is and where its time goes, told by what its sweeps read: a layer's pass begins when its first tensor is read, and
/// lasts until another group's is.
package final class EditMeter: Sendable {
    package enum Event: Sendable {
        /// A piece of work begins.
        case begins(String)
        /// So many layers have been passed of it, of about so many.
        case passed(Int, of: Int)
    }

    private struct Account {
        var current: String?
        var since = 0.0
        var seconds: [String: Double] = [:]
        var tokens = 0
        var passes = 0
        var passed = 0
        var expected = 0
    }

    private let account = Mutex(Account())
    private let tell: @Sendable (Event) -> Void
    private let started = EditMeter.now()

    package init(_ tell: @escaping @Sendable (Event) -> Void = { _ in }) { self.tell = tell }

    /// Seconds of the passes of each group of parameters: a layer by its number, everything else as "embedding and head".
    package var seconds: [String: Double] { account.withLock(\.seconds) }

    /// Tokens that have been taken through the model, forward or back.
    package var tokens: Int { account.withLock(\.tokens) }

    /// Passes through the model, each forward or back, with any number of tokens and versions of the weights.
    package var passes: Int { account.withLock(\.passes) }

    /// Seconds since it was made.
    package var elapsed: Double { Self.now() - started }

    func begins(_ work: String, layers: Int) {
        account.withLock { ($0.passed, $0.expected) = (0, layers) }
        tell(.begins(work))
    }

    /// Makes a pass of so many tokens through the model.
    func pass<Result>(tokens: Int, _ body: () throws -> Result) rethrows -> Result {
        account.withLock {
            $0.tokens += tokens
            $0.passes += 1
        }
        defer { enter(nil) }
        return try body()
    }

    /// A tensor of a group is read.
    func enter(_ group: String?) {
        let event = account.withLock { account -> Event? in
            guard group != account.current else { return nil }
            let now = Self.now()
            if let last = account.current {
                account.seconds[last, default: 0] += now - account.since
                account.passed += 1
                // The search for a step's size may take more passes than it mostly does.
                account.expected = max(account.expected, account.passed)
            }
            (account.current, account.since) = (group, now)
            return .passed(account.passed, of: account.expected)
        }
        if let event { tell(event) }
    }

    private static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
