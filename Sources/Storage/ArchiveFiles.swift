internal import SystemPackage

/// The files of an archive, each to be read where it lies in the archive if it lies there plainly, and otherwise from a
/// scratch file without a name.
struct ArchiveFiles {
    private let archive: InputFile
    private let scratch: FilePath
    private var names: ArchiveNames
    /// How many bytes may still go to scratch.
    private var remaining: Int
    private(set) var files: [(place: FilePath, file: InputFile)] = []

    init(_ archive: InputFile, scratch: FilePath, limit: Int, entryLimit: Int) {
        self.archive = archive
        self.scratch = scratch
        remaining = limit
        names = ArchiveNames(archive: archive.path, entryLimit: entryLimit)
    }

    mutating func addDirectory(_ name: String) throws(StorageError) { _ = try names.addDirectory(names.place(of: name)) }

    /// A file whose bytes are the archive's own in `region`.
    mutating func addFile(_ name: String, at region: Range<Int>) throws(StorageError) {
        let (place, path) = try add(name)
        guard region.upperBound <= archive.size else { throw .truncated(path, expected: region.upperBound, found: archive.size) }
        files.append((place, archive.region(region, named: path)))
    }

    /// A file whose bytes `next` hands out piece by piece, until it gives nil.
    mutating func addFile(_ name: String, from next: () throws(StorageError) -> [UInt8]?) throws(StorageError) {
        let (place, path) = try add(name)
        let open = try OpenFile(unnamedIn: scratch)
        var size = 0
        while let bytes = try next() {
            guard bytes.count <= remaining else { throw names.refusal(name, "brings the files to more bytes than they may have") }
            remaining -= bytes.count
            do { try open.descriptor.writeAll(bytes) } catch { throw .unwritable(scratch, (error as? Errno) ?? .ioError) }
            size += bytes.count
        }
        files.append((place, InputFile(path, size: size, of: open)))
    }

    private mutating func add(_ name: String) throws(StorageError) -> (place: FilePath, path: FilePath) {
        let place = try names.place(of: name)
        _ = try names.addFile(place)
        return (place, archive.path.pushing(place))
    }
}
