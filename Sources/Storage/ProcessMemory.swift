internal import CLinux
internal import SystemPackage

/// The memory of this process.
package enum ProcessMemory {
    /// The largest the process's resident memory has been, in bytes, by the operating system's account; 0 where it gives none.
    package static var peakBytes: Int {
        // Not getrusage: its figure is at least that of the process that started this one.
        guard let file = try? FileDescriptor.open(FilePath("/proc/self/status"), .readOnly, options: .closeOnExec) else { return 0 }
        defer { try? file.close() }
        var status = [UInt8](repeating: 0, count: 1 << 14)
        let count = try? unsafe status.withUnsafeMutableBytes { bytes in unsafe try file.read(into: bytes) }
        let lines = String(decoding: status.prefix(count ?? 0), as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) else { return 0 }
        return (line.split(separator: " ").dropFirst().first { Int($0) != nil }.flatMap { Int($0) } ?? 0) * 1024
    }

    /// From now on large buffers are given back to the system when they are freed. The allocator otherwise learns to keep them in its heap,
    /// whose gaps no memory budget can foresee: the same edit peaked at 125 MiB or at 320.
    package static func giveBackLargeBuffers() { _ = mallopt(EXCISE_MMAP_THRESHOLD, 1 << 20) }
}
