package import Storage
package import SystemPackage

/// The header of a safetensors file. It exists only if its tensors tile the file's data exactly.
package struct SafetensorsHeader: Sendable {
    /// The tensors in the order of their bytes.
    package let tensors: [StoredTensor]
    /// `__metadata__`, in the order it was written; nil where there is none.
    package let metadata: [(name: String, value: String)]?
    /// The header's own bytes, its length included: a file of the same tensors can repeat them as they are.
    package let bytes: [UInt8]
    /// What is odd about the file, which is read nevertheless.
    package let warnings: [HeaderWarning]

    private static let longestHeader = 100_000_000
    private static let mostMetadata = 1 << 20

    /// Reads and checks the header of `file`, member by member: beside its bytes only what is kept takes memory. Throws
    /// `CheckpointError.header` or `.tensor`, whose kind is a `HeaderDefect`'s.
    package init(of file: InputFile, mostTensors: Int = 1 << 20) throws(CheckpointError) {
        try self.init(Self.bytes(of: file), fileSize: file.size, mostTensors: mostTensors, file.path)
    }

    /// Reads and checks the header of a file that is held in memory. Throws as the other does.
    package init(of contents: [UInt8], path: FilePath) throws(CheckpointError) {
        let length = try Self.length(contents.prefix(8), fileSize: contents.count, path)
        try self.init(Array(contents.prefix(8 + length)), fileSize: contents.count, mostTensors: 1 << 20, path)
    }

    /// Everything that is wrong with the header of `file`, as far as one thing can be told without the other; empty where `init(of:)`
    /// succeeds. What keeps the rest from being read, such as a syntax error, is the last.
    package static func defects(of file: InputFile, atMost limit: Int = 100) -> [CheckpointError] {
        var defects: [CheckpointError] = []
        do {
            _ = try parse(bytes(of: file), fileSize: file.size, mostTensors: 1 << 20, file.path) { (defect) throws(CheckpointError) in
                guard defects.count + 1 < limit else { throw defect }
                defects.append(defect)
            }
        } catch { defects.append(error) }
        return defects
    }

    private init(_ bytes: [UInt8], fileSize: Int, mostTensors: Int, _ path: FilePath) throws(CheckpointError) {
        (tensors, metadata) = try Self.parse(bytes, fileSize: fileSize, mostTensors: mostTensors, path) {
            (defect) throws(CheckpointError) in throw defect
        }
        self.bytes = bytes
        warnings = bytes[8] == UInt8(ascii: "{") ? [] : [.leadingWhitespace]
    }

    /// What the header says. `note` hears of each defect behind which reading could go on; where it does not throw, nothing is
    /// certain of what is returned.
    private static func parse(
        _ bytes: [UInt8], fileSize: Int, mostTensors: Int, _ path: FilePath,
        note: (CheckpointError) throws(CheckpointError) -> Void
    ) throws(CheckpointError) -> (tensors: [StoredTensor], metadata: [(name: String, value: String)]?) {
        guard var members = try JSONMembers(of: bytes.span.extracting(8...), depth: 4, or: { .header(path, $0) }) else {
            throw .header(path, .notAnObject, "it is not a JSON object")
        }
        var metadata: [(name: String, value: String)]?
        var tensors: [StoredTensor] = []
        var isSound = true
        while let member = try members.next(or: { .header(path, $0) }) {
            do {
                if member.name == "__metadata__" {
                    metadata = try Self.metadata(member, path)
                    continue
                }
                tensors.append(try StoredTensor(member, dataStart: bytes.count, path))
            } catch {
                isSound = false
                try note(error)
            }
            guard tensors.count <= mostTensors else { throw .header(path, .tooManyTensors, "it names more than \(mostTensors) tensors") }
        }
        // Beside a tensor without a place there is always a gap.
        if isSound { try tile(&tensors, from: bytes.count, to: fileSize, path, note: note) }
        return (tensors, metadata)
    }

    /// The header's length and its text, of a file that stayed as it was while they were read.
    private static func bytes(of file: InputFile) throws(CheckpointError) -> [UInt8] {
        func fail(_ defect: HeaderDefect, _ reason: String) -> CheckpointError { .header(file.path, defect, reason) }
        func read(_ count: Int) throws(CheckpointError) -> [UInt8] {
            let bytes: [UInt8]?
            do { bytes = try file.settledBytes(count: count) } catch { throw .storage(error) }
            guard let bytes else { throw fail(.fileChanged, "the file was written to while it was read") }
            return bytes
        }
        let start = try read(min(8, file.size))
        let bytes = try read(8 + length(start[...], fileSize: file.size, file.path))
        guard bytes.starts(with: start) else { throw fail(.fileChanged, "its length changed while it was read") }
        return bytes
    }

    /// What the first 8 bytes say of the header's length, once it is certain that the file has so many.
    private static func length(_ start: ArraySlice<UInt8>, fileSize: Int, _ path: FilePath) throws(CheckpointError) -> Int {
        func fail(_ defect: HeaderDefect, _ reason: String) -> CheckpointError { .header(path, defect, reason) }
        guard start.count == 8 else {
            throw fail(.truncatedFile, "the file has \(fileSize) bytes, fewer than the 8 of the header's length")
        }
        guard !start.elementsEqual("version ".utf8) else {
            throw fail(.gitLFSPointer, "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
        }
        let length = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length > 0 else { throw fail(.emptyHeader, "its length is 0") }
        guard length <= UInt64(longestHeader) else {
            throw fail(.headerTooLarge, "its length is \(length) bytes, more than the \(longestHeader) that the format allows")
        }
        guard length <= UInt64(fileSize - 8) else {
            throw fail(.truncatedFile, "it should have \(length) bytes, but the file ends after \(fileSize - 8)")
        }
        return Int(length)
    }

    private static func metadata(_ member: JSONMember, _ path: FilePath) throws(CheckpointError) -> [(name: String, value: String)] {
        guard var members = member.members() else { throw .header(path, .metadata, "__metadata__ is not an object") }
        var metadata: [(name: String, value: String)] = []
        while let entry = try members.next(or: { .header(path, $0) }) {
            guard metadata.count < mostMetadata else {
                throw .header(path, .metadata, "__metadata__ has more than \(mostMetadata) entries")
            }
            let text: String?
            do { text = try entry.string() } catch { throw .header(path, error) }
            guard let text else {
                throw .header(path, .metadata, "__metadata__ holds something that is not a string")
            }
            metadata.append((entry.name, text))
        }
        return metadata
    }

    /// Brings the tensors into the order of their bytes, and makes certain that they leave no gap, do not overlap and end with the
    /// file.
    private static func tile(
        _ tensors: inout [StoredTensor], from start: Int, to end: Int, _ path: FilePath,
        note: (CheckpointError) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        // Of those that lie at the same place, only tensors without a byte are legal.
        tensors.sort {
            ($0.offset, $0.byteCount) != ($1.offset, $1.byteCount)
                ? ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        var next = start
        for tensor in tensors {
            func fail(_ defect: HeaderDefect, _ reason: String) -> CheckpointError { .tensor(path, tensor.name, defect, reason) }
            if tensor.offset > next { try note(fail(.offsetGap, "\(tensor.offset - next) bytes before it belong to no tensor")) }
            if tensor.offset < next { try note(fail(.offsetOverlap, "it overlaps the tensor before it")) }
            next = max(next, tensor.offset + tensor.byteCount)
            guard next <= end else { throw fail(.truncatedFile, "its bytes end at \(next), but the file ends at \(end)") }
        }
        guard next == end else { throw .header(path, .trailingBytes, "\(end - next) bytes follow the last tensor") }
    }
}
