internal import Storage
internal import SystemPackage

/// The records of a PyTorch archive: a zip whose entries all lie in one directory, with a pickle and the storages' bytes.
struct PyTorchRecords {
    private let file: InputFile
    private let records: [[UInt8]: ZipDirectory.Entry]

    private static let largestPickle = 1 << 26

    init(_ file: InputFile) throws(CheckpointError) {
        self.file = file
        let path = file.path
        let entries: [ZipDirectory.Entry]
        do { entries = try ZipDirectory(file).entries } catch { throw .storage(error) }
        guard let directory = entries.first?.name.utf8.prefix(while: { $0 != UInt8(ascii: "/") }) else {
            throw .pyTorch(path, kind: "missing-record", reason: "is a zip without entries")
        }
        let prefix = Array(directory) + [UInt8(ascii: "/")]
        var records: [[UInt8]: ZipDirectory.Entry] = [:]
        for entry in entries {
            guard entry.name.utf8.starts(with: prefix) else {
                throw .pyTorch(
                    path, kind: "not-pytorch",
                    reason:
                        "is a zip, but not one of PyTorch: \(CheckpointError.quoted(entry.name)) does not lie in the first entry's directory"
                )
            }
            records[Array(entry.name.utf8.dropFirst(prefix.count))] = entry
        }
        self.records = records
        if entries.contains(where: { $0.name.utf8.dropFirst(prefix.count).starts(with: "code/".utf8) }) {
            throw .pyTorch(
                path, kind: "torchscript",
                reason: "is a TorchScript archive, which holds a program; save the module's state_dict() with torch.save instead")
        }
        if self["byteorder"] != nil {
            guard try contents(of: "byteorder", limit: 16).elementsEqual("little".utf8) else {
                throw .pyTorch(path, kind: "byte-order", reason: "its numbers are not little-endian")
            }
        }
    }

    /// A record's place in the file, by its name in the archive's directory.
    subscript(name: String) -> ZipDirectory.Entry? { records[Array(name.utf8)] }

    func pickle() throws(CheckpointError) -> [UInt8] { try contents(of: "data.pkl", limit: Self.largestPickle) }

    private func contents(of name: String, limit: Int) throws(CheckpointError) -> [UInt8] {
        guard let record = self[name] else {
            throw .pyTorch(file.path, kind: "missing-record", reason: "is a zip, but without PyTorch's record \(name)")
        }
        guard record.isStored else {
            throw .pyTorch(file.path, kind: "compressed-record", reason: "its record \(name) is compressed; PyTorch stores it as it is")
        }
        guard record.size <= limit else {
            throw .pyTorch(file.path, kind: "record-too-large", reason: "its record \(name) has more than \(limit) bytes")
        }
        do { return try file.bytes(at: record.dataOffset, count: record.size) } catch { throw .storage(error) }
    }
}
