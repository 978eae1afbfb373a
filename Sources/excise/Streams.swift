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
final class Progress: Sendable {
    enum Style { case silent, lines, terminal }

    private struct Work {
        var unit = "tokens"
        var started = Progress.now()
        var shown = 0.0
    }

    private let style: Style
    private let work = Mutex(Work())

    init(isSilent: Bool) { style = isSilent ? .silent : isatty(2) == 1 ? .terminal : .lines }

    /// A new piece of work begins, counted in units.
    func begin(_ label: String, of unit: String = "tokens") {
        work.withLock { $0 = Work(unit: unit) }
        guard style != .silent else { return }
        standardError(label)
    }

    /// `done` of `total` units.
    func advance(_ done: Int, _ total: Int) {
        guard style != .silent, done > 0 else { return }
        let interval = style == .terminal ? 0.2 : 10
        let (elapsed, unit, isDue) = work.withLock { work in
            let elapsed = Progress.now() - work.started
            let isDue = elapsed - work.shown > interval
            if isDue { work.shown = elapsed }
            return (elapsed, work.unit, isDue)
        }
        guard isDue else { return }
        let rate = Double(done) / elapsed
        let left = Int(Double(total - done) / rate)
        let pace = rate < 1 ? "\(Int(1 / rate)) s each" : "\(Int(rate)) a second"
        let text = "  \(100 * done / max(1, total)) % of \(total) \(unit), \(pace), \(left / 60) min \(left % 60) s left"
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

    static func install() {
        _ = unsafe sources
        // What the kernel has to say where a file that is read in its place (`FilePages`) is cut short meanwhile. The work cannot go on, and
        // hardly anything may be done in here.
        signal(SIGBUS) { _ in
            let text: StaticString = "excise: a file was cut short while it was read; see that nothing writes to the inputs.\n"
            _ = unsafe write(2, text.utf8Start, text.utf8CodeUnitCount)
            _exit(74)
        }
    }
}
