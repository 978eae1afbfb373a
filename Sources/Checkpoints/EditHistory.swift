package import Storage
internal import SystemPackage

/// What has been edited in a checkpoint, oldest first: a JSON file beside its configuration, which every edit adds to.
///
/// It says of each edit how it was made and what it began and ended with, by content digests; of the texts it holds digests alone, so
/// that what was forgotten is not told by what tells that it was.
package struct EditHistory: Sendable {
    package static let fileName = "excise_edits.json"
    /// The name in the metadata of a safetensors file under which a line says that there were edits.
    package static let metadataName = "excise.edits"
    private static let limit = 16 << 20

    package private(set) var edits: [JSONValue]

    /// The history that a model's files carry; an empty one where they carry none. Throws `configuration` where the file is not one.
    package init(of files: FileTree) throws {
        guard files.contains(Self.fileName) else {
            edits = []
            return
        }
        let file = try files.file(Self.fileName)
        let document = try file.json(limit: Self.limit)
        guard let edits = document["edits"]?.array else {
            throw CheckpointError.configuration(file.path, key: "edits", reason: "is missing, or no array")
        }
        for (index, edit) in edits.enumerated() {
            for key in ["method", "base_content_digest", "content_digest"] where edit[key]?.string == nil {
                throw CheckpointError.configuration(file.path, key: "edits[\(index)].\(key)", reason: "is missing, or no string")
            }
        }
        self.edits = edits
    }

    package init(edits: [JSONValue]) { self.edits = edits }

    package mutating func add(_ edit: JSONValue) { edits.append(edit) }

    /// The contents of the file that carries it.
    package var bytes: [UInt8] { Array((JSONValue.members(["edits": .array(edits)]).serialized(pretty: true) + "\n").utf8) }

    /// The line in the metadata of a file that a further edit by `method` of the checkpoint with the digest `base` writes.
    package func line(ofNext method: String, base: SHA256Digest) -> (name: String, value: String) {
        (Self.metadataName, "\(edits.count + 1), the last by \(method) of \(base); see \(Self.fileName)")
    }
}
