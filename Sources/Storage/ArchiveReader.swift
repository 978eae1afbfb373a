internal import CArchive
internal import SystemPackage

/// libarchive's reader, held to one kind of file.
@safe struct ArchiveReader: ~Copyable {
    /// What the file is to be: an archive, or one compressed stream, which is then the only entry.
    enum Content { case archive(ArchiveFormat), stream(Compression) }

    struct Entry {
        let name: String
        let isFile: Bool
        /// What it is, if neither a file nor a directory.
        let otherKind: String?
        /// Where its bytes lie in the archive's own, if they lie there as they are.
        let region: Range<Int>?
    }

    private let archive: OpaquePointer
    private let path: FilePath
    private let content: Content

    init(_ path: FilePath, _ content: Content) {
        let archive = unsafe allocated(archive_read_new())
        unsafe self.archive = unsafe archive
        self.path = path
        self.content = content
    }

    deinit { unsafe archive_read_free(archive) }

    func open() throws(StorageError) {
        let format: Int32
        let compression: Compression?
        switch content {
        case .archive(.tar(let filter)): (format, compression) = unsafe (archive_read_support_format_tar(archive), filter)
        case .archive(.zip): (format, compression) = unsafe (archive_read_support_format_zip(archive), nil)
        case .stream(let filter): (format, compression) = unsafe (archive_read_support_format_raw(archive), filter)
        }
        let filter =
            switch compression {
            case .gzip: unsafe archive_read_support_filter_gzip(archive)
            case .zstandard: unsafe archive_read_support_filter_zstd(archive)
            case nil: ARCHIVE_OK
            }
        // A warning would mean that libarchive runs another program to decompress.
        guard format == ARCHIVE_OK, filter == ARCHIVE_OK else { throw refusal("this build of libarchive has no decoder for it") }
        let status = unsafe path.withPlatformString { unsafe archive_read_open_filename(archive, $0, 1 << 16) }
        guard status == ARCHIVE_OK else { throw failure() }
        try checkFilters(compression)
    }

    /// libarchive passes a stream that is not compressed as it is, and one that is compressed twice through both: the name says once.
    private func checkFilters(_ compression: Compression?) throws(StorageError) {
        guard let compression else { return }
        let (code, name) = compression == .gzip ? (ARCHIVE_FILTER_GZIP, "gzip") : (ARCHIVE_FILTER_ZSTD, "Zstandard")
        guard unsafe archive_filter_count(archive) == 2, unsafe archive_filter_code(archive, 0) == code else {
            throw refusal("it should be one \(name) stream, as its name says, and is not")
        }
    }

    /// The next entry, or nil at the archive's end.
    func next() throws(StorageError) -> Entry? {
        var header: OpaquePointer?
        let position = unsafe archive_filter_bytes(archive, 0)
        let status = unsafe archive_read_next_header(archive, &header)
        if status == ARCHIVE_EOF {
            // A tar ends with blocks of zeros, of 512 bytes. libarchive does without them.
            if case .archive(.tar) = content, unsafe archive_filter_bytes(archive, 0) - position < 512 {
                throw refusal("it ends too early: the mark of its end is missing")
            }
            return nil
        }
        // A warning is about attributes that are not used here, or about the name, which is checked.
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header = unsafe header else { throw failure() }
        guard let name = unsafe archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header),
            let text = unsafe String(validatingCString: name)
        else { throw refusal("an entry's name cannot be read as UTF-8") }
        return unsafe Entry(
            name: text, isFile: archive_entry_filetype(header) == 0o100000, otherKind: Self.otherKind(header), region: region(of: header))
    }

    private static func otherKind(_ header: OpaquePointer) -> String? {
        if unsafe archive_entry_hardlink(header) != nil { return "a hard link" }
        if unsafe archive_entry_symlink(header) != nil { return "a symbolic link" }
        return switch unsafe UInt32(archive_entry_filetype(header)) {
        case 0o100000, 0o040000: nil
        case 0o120000: "a symbolic link"
        case 0o020000, 0o060000: "a device"
        case 0o010000: "a pipe"
        case 0o140000: "a socket"
        default: "of an unknown kind"
        }
    }

    /// In a tar that is not compressed, a file without holes lies right behind its header, which has just been read.
    private func region(of header: OpaquePointer) -> Range<Int>? {
        guard case .archive(.tar(nil)) = content, unsafe archive_entry_sparse_count(header) == 0 else { return nil }
        let start = unsafe Int(archive_filter_bytes(archive, -1))
        let (end, overflow) = unsafe start.addingReportingOverflow(Int(archive_entry_size(header)))
        return overflow || end < start ? nil : start..<end
    }

    /// The entry's next bytes, holes filled with zeros, or nil at its end.
    func read(_ entry: String) throws(StorageError) -> [UInt8]? {
        var status = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            status = unsafe archive_read_data(archive, buffer.baseAddress, buffer.count)
            count = max(0, status)
        }
        guard status >= 0 else { throw failure(in: entry) }
        return bytes.isEmpty ? nil : bytes
    }

    private func failure(in entry: String? = nil) -> StorageError {
        let reason = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "no reason was given"
        return refusal((entry.map { "\(Archive.quoted($0)): " } ?? "") + Archive.quoted(reason))
    }

    private func refusal(_ reason: String) -> StorageError {
        switch content {
        case .archive: .archive(path, reason)
        case .stream: .compressed(path, reason)
        }
    }
}
