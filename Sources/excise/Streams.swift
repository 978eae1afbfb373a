internal import Dispatch
internal import Glibc
internal import Storage
internal import Synchronization
internal import SystemPackage

/// A line for people, where the result does not go.
func standardError(_ line: String) {
    _ = try? FileDescriptor.standardError.writeAll((line + "\n").utf8)
}

/// How far a long work is: a line that renews itself on a terminal, plain lines now and then elsewhere.
final class Progress {
    enum Style { case silent, lines, terminal }

    private let style: Style
    private var unit = "tokens"
    private var started = Progress.now()
    private var shown = 0.0

    init(isSilent: Bool) { style = isSilent ? .silent : isatty(2) == 1 ? .terminal : .lines }

    /// A new piece of work begins, counted in units.
    func begin(_ label: String, of unit: String = "tokens") {
        self.unit = unit
        started = Progress.now()
        shown = 0
        guard style != .silent else { return }
        standardError(label)
    }

    /// `done` of `total` units.
    func advance(_ done: Int, _ total: Int) {
        let elapsed = Progress.now() - started
        let interval = style == .terminal ? 0.2 : 10
        guard style != .silent, elapsed - shown > interval, done > 0 else { return }
        shown = elapsed
        let rate = Double(done) / elapsed
        let left = Int(Double(total - done) / rate)
        let text = "  \(100 * done / max(1, total)) % of \(total) \(unit), \(Int(rate)) a second, \(left / 60) min \(left % 60) s left"
        if style == .terminal {
            _ = try? FileDescriptor.standardError.writeAll(("\r\u{1B}[K" + text + (done == total ? "\r\u{1B}[K" : "")).utf8)
        } else {
            standardError(text)
        }
    }

    static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}

/// Ctrl-C and termination: what is staged is removed, and the exit code says that the work was interrupted.
enum Interruption {
    private static let staged = Mutex<[FilePath]>([])
    /// Kept for as long as the process lives: a source that is let go of hears nothing. Set once and never looked at again.
    nonisolated(unsafe) private static let sources: [any DispatchSourceSignal] = [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            staged.withLock { paths in for path in paths { FileSystem.remove(path) } }
            standardError("excise: interrupted; the output is as it was before.")
            _exit(130)
        }
        source.resume()
        return source
    }

    /// A path to remove when the process is interrupted.
    static func willStage(_ path: FilePath) { staged.withLock { $0.append(path) } }

    static func install() { _ = unsafe sources }
}
