internal import CArchive
internal import Glibc
package import SystemPackage

/// Archives of a model's directory: `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` and `.zip`.
package enum Archive {
    /// Whether the name is an archive's, in any case of letters. The file is not looked at.
    package static func isArchive(_ path: FilePath) -> Bool { Container(path) != nil }

    /// Unpacks an archive from a stranger into an existing directory; `outputExists` where that is not empty.
    ///
    /// 1. Only regular files and directories come out: no links, devices, pipes or sockets. Of their attributes nothing is kept.
    /// 2. A name is a relative path without `..`, without control characters, and comes once.
    /// 3. All files together have at most `limit` bytes, counted as they are written, whatever the headers say.
    /// 4. There are at most `entryLimit` files and directories, at most 64 deep.
    ///
    /// What breaks a rule is an error that names the entry; what was written until then stays, for the caller to remove.
    package static func unpack(_ path: FilePath, into directory: FilePath, limit: Int, entryLimit: Int = 100_000) throws(StorageError) {
        guard try FileSystem.names(in: directory).isEmpty else { throw .outputExists(directory) }
        var target = UnpackTarget(archive: path, directory: directory, remaining: limit, entryLimit: entryLimit)
        try read(path) { (entry, reader) throws(StorageError) in
            let place = try target.place(of: entry.name)
            guard entry.isFile else { return try target.makeDirectory(place) }
            let file = try target.makeFile(place)
            defer { try? file.close() }
            while let bytes = try reader.read(entry.name) { try target.write(bytes, to: file, place) }
        }
        guard target.hasFiles else { throw .archive(path, "there is no file in it") }
    }

    /// The files of an archive by their places in it, under the rules of `unpack`: read where they lie if they lie there
    /// plainly, and otherwise from scratch files without a name beneath `scratch`, of `limit` bytes in all.
    static func files(
        of path: FilePath, scratch: FilePath, limit: Int = 1 << 42, entryLimit: Int = 100_000
    ) throws(StorageError) -> [(place: FilePath, file: InputFile)] {
        var files = try ArchiveFiles(InputFile(path), scratch: scratch, limit: limit, entryLimit: entryLimit)
        try read(path) { (entry, reader) throws(StorageError) in
            if !entry.isFile {
                try files.addDirectory(entry.name)
            } else if let region = entry.region {
                try files.addFile(entry.name, at: region)
            } else {
                try files.addFile(entry.name) { () throws(StorageError) in try reader.read(entry.name) }
            }
        }
        guard !files.files.isEmpty else { throw .archive(path, "there is no file in it") }
        return files.files
    }

    /// Hands over each file and directory in turn, with the reader that stands at it. Anything else is refused.
    private static func read(
        _ path: FilePath, _ body: (ArchiveReader.Entry, borrowing ArchiveReader) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard let container = Container(path) else { throw .archive(path, "its name ends in none of \(Container.endings)") }
        _ = try InputFile(path)
        // libarchive hands out names in the thread's locale, and a process begins in one that has ASCII only.
        let locale = unsafe newlocale(1 << LC_CTYPE, "C.UTF-8", nil)
        let previous = unsafe uselocale(locale)
        defer {
            _ = unsafe uselocale(previous)
            if let locale = unsafe locale { unsafe freelocale(locale) }
        }
        let reader = ArchiveReader(path, container)
        try reader.open()
        while let entry = try reader.next() {
            if let other = entry.otherKind {
                throw .archive(path, "\(quoted(entry.name)) is \(other), and only files and directories are taken")
            }
            try body(entry, reader)
        }
    }

    /// A name as it may be shown: it comes from a stranger and goes to a terminal.
    static func quoted(_ name: String) -> String {
        JSONValue.string(name.utf8.count > 200 ? String(decoding: name.utf8.prefix(200), as: UTF8.self) + "…" : name).serialized()
    }
}

/// What an archive's name says it is; nothing else is then tried on it.
private enum Container {
    case tar, gzippedTar, zstandardTar, zip

    static let endings = ".tar, .tar.gz, .tgz, .tar.zst and .zip"

    init?(_ path: FilePath) {
        guard let name = path.lastComponent?.string.lowercased() else { return nil }
        if name.hasSuffix(".tar") {
            self = .tar
        } else if name.hasSuffix(".tar.gz") || name.hasSuffix(".tgz") {
            self = .gzippedTar
        } else if name.hasSuffix(".tar.zst") {
            self = .zstandardTar
        } else if name.hasSuffix(".zip") {
            self = .zip
        } else {
            return nil
        }
    }
}

/// libarchive's reader, held to one container.
@safe private struct ArchiveReader: ~Copyable {
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
    private let container: Container

    init(_ path: FilePath, _ container: Container) {
        // It fails only where not even a small allocation succeeds, as Swift's own would end the process.
        guard let archive = unsafe archive_read_new() else { fatalError("out of memory") }
        unsafe self.archive = unsafe archive
        self.path = path
        self.container = container
    }

    deinit { unsafe archive_read_free(archive) }

    func open() throws(StorageError) {
        let statuses: [Int32] =
            switch container {
            case .tar: unsafe [archive_read_support_format_tar(archive)]
            case .gzippedTar: unsafe [archive_read_support_format_tar(archive), archive_read_support_filter_gzip(archive)]
            case .zstandardTar: unsafe [archive_read_support_format_tar(archive), archive_read_support_filter_zstd(archive)]
            case .zip: unsafe [archive_read_support_format_zip(archive)]
            }
        // A warning would mean that libarchive runs another program to decompress.
        guard statuses.allSatisfy({ $0 == ARCHIVE_OK }) else { throw .archive(path, "this build of libarchive has no decoder for it") }
        let status = unsafe path.withPlatformString { unsafe archive_read_open_filename(archive, $0, 1 << 16) }
        guard status == ARCHIVE_OK else { throw failure() }
    }

    /// The next entry, or nil at the archive's end.
    func next() throws(StorageError) -> Entry? {
        var header: OpaquePointer?
        let status = unsafe archive_read_next_header(archive, &header)
        if status == ARCHIVE_EOF { return nil }
        // A warning is about attributes that are not used here, or about the name, which is checked.
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header = unsafe header else { throw failure() }
        guard let name = unsafe archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header),
            let text = unsafe String(validatingCString: name)
        else { throw .archive(path, "an entry's name cannot be read as UTF-8") }
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
        guard container == .tar, unsafe archive_entry_sparse_count(header) == 0 else { return nil }
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
        return .archive(path, (entry.map { "\(Archive.quoted($0)): " } ?? "") + Archive.quoted(reason))
    }
}
