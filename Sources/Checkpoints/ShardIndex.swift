package import Storage
internal import SystemPackage

/// The index of a checkpoint's shards, `model.safetensors.index.json` or `pytorch_model.bin.index.json`: which file holds which tensor.
/// Every shard it names is a plain file name, safe to be appended to the index's directory.
package struct ShardIndex: Sendable {
    /// Every tensor and the shard that holds it, in the order they were written.
    package let assignments: [(tensor: String, shard: String)]
    /// Each shard once, in the order of their names' bytes.
    package let shards: [String]
    /// `metadata.total_size`, the tensors' bytes by the writer's account; often wrong in the wild.
    package let totalSize: Int?

    private static let largestIndex = 64 << 20
    private static let longestMember = 1 << 20

    /// Reads and checks the index, member by member. Throws `CheckpointError.index`, whose kind is an `IndexDefect`'s.
    ///
    /// - Parameter shardExtension: what every shard's name must end with, behind a point: `safetensors`, `bin`.
    package init(_ file: InputFile, shardExtension: String, mostTensors: Int = 1 << 20) throws(CheckpointError) {
        let path = file.path
        func fail(_ defect: IndexDefect, _ reason: String) -> CheckpointError { .index(path, kind: defect.rawValue, reason: reason) }
        func malformed(_ error: JSONSyntaxError) -> CheckpointError {
            fail(error.repeatedName == nil ? .jsonSyntax : .duplicateName, "is \(error.description)")
        }
        guard file.size <= Self.largestIndex else {
            throw fail(.indexTooLarge, "has \(file.size) bytes, more than the \(Self.largestIndex) that an index may have")
        }
        let bytes: [UInt8]?
        do { bytes = try file.settledBytes(count: file.size) } catch { throw .storage(error) }
        guard let bytes else { throw fail(.fileChanged, "was written to while it was read") }
        guard var members = try JSONMembers(of: bytes.span, or: malformed) else { throw fail(.notAnObject, "is not a JSON object") }

        var assignments: [(tensor: String, shard: String)] = []
        var names = ShardNames(shardExtension: shardExtension)
        var totalSize: Int?
        while let member = try members.next(or: malformed) {
            if member.name == "weight_map" {
                guard var entries = member.members() else { throw fail(.weightMap, "has a weight_map that is no object") }
                while let entry = try entries.next(or: malformed) {
                    guard assignments.count < mostTensors else {
                        throw fail(.tooManyTensors, "names more than \(mostTensors) tensors")
                    }
                    let name: String?
                    do { name = try entry.string() } catch { throw malformed(error) }
                    guard let name else {
                        throw fail(.weightMap, "maps \(CheckpointError.quoted(entry.name)) to something that is no file name")
                    }
                    do { assignments.append((entry.name, try names.shared(name))) } catch { throw fail(error.defect, error.reason) }
                }
            } else {
                guard member.byteCount <= Self.longestMember else {
                    throw fail(
                        .indexTooLarge, "has a member \(CheckpointError.quoted(member.name)) of more than \(Self.longestMember) bytes")
                }
                let value: JSONValue
                do { value = try member.value() } catch { throw malformed(error) }
                guard member.name == "metadata" else { continue }
                guard value.object != nil else { throw fail(.metadata, "has metadata that is no object") }
                if let size = value["total_size"] {
                    totalSize = size.integer ?? size.number.flatMap(Int.init(exactly:))
                    guard totalSize ?? -1 >= 0 else { throw fail(.totalSize, "has a total_size that is no number of bytes") }
                }
            }
        }
        guard !assignments.isEmpty else { throw fail(.weightMap, "has no weight_map, or an empty one") }
        (self.assignments, self.totalSize, shards) = (assignments, totalSize, names.sorted)
    }
}

/// The shards' names as they come, each checked and kept once.
private struct ShardNames {
    struct Refusal: Error {
        let defect: IndexDefect
        let reason: String
    }

    let shardExtension: String
    private var known: [[UInt8]: String] = [:]
    /// As they would be on a file system that does not tell cases and compositions apart.
    private var folded: Set<String> = []
    private var count: Int?

    init(shardExtension: String) { self.shardExtension = shardExtension }

    var sorted: [String] { known.values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// The name, in the one copy that all its tensors share.
    mutating func shared(_ name: String) throws(Refusal) -> String {
        let bytes = Array(name.utf8)
        if let name = known[bytes] { return name }
        try check(name, bytes)
        known[bytes] = name
        return name
    }

    private mutating func check(_ name: String, _ bytes: [UInt8]) throws(Refusal) {
        func refuse(_ defect: IndexDefect, _ reason: String) -> Refusal {
            Refusal(defect: defect, reason: "names the shard \(CheckpointError.quoted(name)); \(reason)")
        }
        let ending = "." + shardExtension
        guard bytes.count > ending.utf8.count, bytes.reversed().starts(with: ending.utf8.reversed()) else {
            throw refuse(.shardName, "only \(ending) files are allowed")
        }
        // On some systems / separates folders, on others \ does, and : follows a drive.
        let isPlain = !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0 == ":" || $0.properties.generalCategory == .control }
        guard isPlain, bytes[0] != UInt8(ascii: "."), bytes.count <= 255 else {
            throw refuse(.shardName, "only plain file names are allowed")
        }
        guard folded.insert(name.uppercased().lowercased()).inserted else {
            throw refuse(.shardName, "on some file systems that is the same file as another shard")
        }
        let parts = String(decoding: bytes.dropLast(ending.utf8.count), as: UTF8.self).split(separator: "-")
        if parts.count > 2, parts[parts.count - 2] == "of", Int(parts[parts.count - 3]) != nil, let number = Int(parts[parts.count - 1]) {
            guard number == count ?? number else { throw refuse(.shardCount, "other shards are of \(count ?? 0)") }
            count = number
        }
    }
}
