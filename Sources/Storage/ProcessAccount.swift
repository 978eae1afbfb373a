internal import CLinux
internal import SystemPackage

/// What this process has taken of the machine, by the operating system's account; 0 where it gives none.
package enum ProcessAccount {
    /// The largest the resident memory has been, in bytes.
    package static var peakMemory: Int {
        // Not getrusage: its figure is at least that of the process that started this one.
        number("VmHWM:", in: FilePath("/proc/self/status")) * 1024
    }

    /// Bytes read from files and written to them, in the page cache or not.
    package static var traffic: (read: Int, written: Int) {
        (number("rchar:", in: FilePath("/proc/self/io")), number("wchar:", in: FilePath("/proc/self/io")))
    }

    /// From now on large buffers are given back to the system when they are freed. The allocator otherwise learns to keep them in its heap,
    /// whose gaps no memory budget can foresee: the same edit peaked at 125 MiB or at 320.
    package static func giveBackLargeBuffers() { _ = mallopt(EXCISE_MMAP_THRESHOLD, 1 << 20) }

    /// From now on so many bytes of small buffers are kept by each thread for the next ones of their kind, not given back to the system at once,
    /// which would have to clear them again each time.
    package static func keepSmallBuffers(upTo bytes: Int32) { _ = mallopt(EXCISE_TRIM_THRESHOLD, bytes) }

    /// The number behind a name that begins a line.
    private static func number(_ name: String, in path: FilePath) -> Int {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return 0 }
        defer { try? file.close() }
        var text = [UInt8](repeating: 0, count: 1 << 14)
        let count = try? unsafe text.withUnsafeMutableBytes { bytes in unsafe try file.read(into: bytes) }
        let lines = String(decoding: text.prefix(count ?? 0), as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return 0 }
        return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().lazy.compactMap { Int($0) }.first ?? 0
    }
}
