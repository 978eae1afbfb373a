internal import CArchive
internal import SystemPackage

/// libarchive's writer. The same entries give the same bytes: no names of owners, no times but the one given, nothing of the machine.
@safe struct ArchiveWriter: ~Copyable {
    private let archive: OpaquePointer
    private let format: ArchiveFormat
    private let output: ArchiveOutput

    init(_ format: ArchiveFormat, to output: ArchiveOutput) {
        let archive = unsafe allocated(archive_write_new())
        unsafe self.archive = unsafe archive
        self.format = format
        self.output = output
    }

    deinit {
        // Without this, freeing would still write what is buffered.
        _ = unsafe archive_write_fail(archive)
        unsafe archive_write_free(archive)
    }

    /// - Parameters:
    ///   - level: of compression; the library's own where it is nil.
    ///   - threads: how many compress at once. Zstandard's output is the same for any number of workers from 1 on, but another for none.
    func open(level: Int?, threads: Int) throws(StorageError) {
        switch format {
        case .tar(let compression):
            // ustar, with extended headers only for names and sizes that do not fit.
            try check(unsafe archive_write_set_format_pax_restricted(archive))
            switch compression {
            case .gzip:
                try check(unsafe archive_write_add_filter_gzip(archive))
                try check(unsafe archive_write_set_filter_option(archive, "gzip", "timestamp", nil))
                if let level { try check(unsafe archive_write_set_filter_option(archive, "gzip", "compression-level", "\(level)")) }
            case .zstandard:
                try check(unsafe archive_write_add_filter_zstd(archive))
                try check(unsafe archive_write_set_filter_option(archive, "zstd", "threads", "\(max(1, threads))"))
                if let level { try check(unsafe archive_write_set_filter_option(archive, "zstd", "compression-level", "\(level)")) }
            case nil: break
            }
        case .zip:
            try check(unsafe archive_write_set_format_zip(archive))
            if let level { try check(unsafe archive_write_set_format_option(archive, "zip", "compression-level", "\(level)")) }
        }
        try check(unsafe archive_write_set_bytes_per_block(archive, 1 << 20))
        try check(unsafe archive_write_set_bytes_in_last_block(archive, 1))
        // The output is this value's own and so outlives the archive.
        let destination = unsafe Unmanaged.passUnretained(output).toOpaque()
        let status = unsafe archive_write_open(
            archive, destination, nil,
            { _, output, bytes, count in
                guard let output = unsafe output, let bytes = unsafe bytes else { return -1 }
                let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                return unsafe Unmanaged<ArchiveOutput>.fromOpaque(output).takeUnretainedValue().append([UInt8](buffer)) ? count : -1
            }, nil)
        try check(status)
    }

    /// Begins a file. `time` is in seconds since 1970; a zip, whose times have no zone, gets its earliest, 1980-01-01.
    func begin(_ name: String, size: Int, time: Int, isCompressible: Bool) throws(StorageError) {
        let entry = unsafe allocated(archive_entry_new())
        defer { unsafe archive_entry_free(entry) }
        unsafe archive_entry_set_pathname(entry, name)
        unsafe archive_entry_set_filetype(entry, 0o100000)
        unsafe archive_entry_set_perm(entry, 0o644)
        unsafe archive_entry_set_size(entry, Int64(size))
        if format == .zip {
            try check(
                unsafe isCompressible
                    ? archive_write_zip_set_compression_deflate(archive) : archive_write_zip_set_compression_store(archive))
        } else {
            unsafe archive_entry_set_mtime(entry, time, 0)
        }
        try check(unsafe archive_write_header(archive, entry))
    }

    /// The next bytes of the file that was begun.
    func write(_ bytes: Span<UInt8>) throws(StorageError) {
        let written = unsafe bytes.withUnsafeBytes { unsafe archive_write_data(archive, $0.baseAddress, $0.count) }
        guard written == bytes.count else { throw failure() }
    }

    /// Ends the archive. All bytes have then gone to the output.
    func finish() throws(StorageError) { try check(unsafe archive_write_close(archive)) }

    private func check(_ status: Int32) throws(StorageError) {
        guard status == ARCHIVE_OK else { throw failure() }
    }

    private func failure() -> StorageError {
        let reason = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "no reason was given"
        return output.failure ?? .notPackable(output.path, Archive.quoted(reason))
    }
}

/// Where an archive's bytes go: a file, and their digest.
final class ArchiveOutput {
    private let file: AtomicFile
    private var hasher: SHA256Hasher? = SHA256Hasher()
    /// How many bytes were written.
    private(set) var size = 0
    /// What the file could not do; libarchive's own message knows nothing of it.
    private(set) var failure: StorageError?

    init(_ file: AtomicFile) { self.file = file }

    var path: FilePath { file.path }

    /// Whether the bytes were written.
    func append(_ bytes: [UInt8]) -> Bool {
        do { try file.write(bytes, at: size) } catch {
            failure = error
            return false
        }
        hasher?.update(bytes.span)
        size += bytes.count
        return true
    }

    /// The digest of all that was written; to be asked for once.
    func digest() -> SHA256Digest {
        guard let hasher = hasher.take() else { preconditionFailure("the digest was taken before") }
        return hasher.finish()
    }
}
