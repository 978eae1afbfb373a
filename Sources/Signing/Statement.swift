package import Storage

/// What a signature is over: which files there are, with their digests, and the tensors in them.
///
/// An in-toto statement with OpenSSF Model Signing's predicate. The same files give the same bytes.
package struct Statement: Sendable {
    static let type = "https://in-toto.io/Statement/v1"
    static let predicateType = "https://model_signing/signature/v1.0"
    /// The member of the predicate that holds the tensors; model-signing passes over it.
    static let tensorsName = "excise.tensors"
    /// What a single file that is signed is called among the resources.
    static let singleFile = "."

    /// One file.
    package struct Resource: Sendable {
        /// Its path within the directory; of a single file, `.`.
        let name: String
        /// SHA-256 of its bytes.
        let digest: SHA256Digest
        /// Its tensors with their leaves of the content digest, in the order of their bytes in the file; nil of other
        /// files, and where they are not told.
        let tensors: [(name: String, leaf: SHA256Digest)]?
    }

    /// Of the directory, or the file.
    package let name: String
    /// Whether files may be links.
    let allowsLinks: Bool
    package let ignored: IgnoredPaths
    package let resources: [Resource]

    package var tensorCount: Int { resources.reduce(0) { $0 + ($1.tensors?.count ?? 0) } }

    var isOfSingleFile: Bool { resources.count == 1 && resources[0].name.utf8.elementsEqual(Self.singleFile.utf8) }

    /// What stands for all files: SHA-256 of their digests one after the other.
    package var digest: SHA256Digest { SHA256Hasher.digest(of: resources.flatMap(\.digest.bytes)) }

    /// Its text, as JSON without white space.
    package var payload: [UInt8] {
        var serialization: [(name: String, value: JSONValue)] = [
            ("method", "files"), ("hash_type", "sha256"), ("allow_symlinks", .boolean(allowsLinks)),
        ]
        if !ignored.names.isEmpty { serialization.append(("ignore_paths", .array(ignored.names.map { .string($0) }))) }
        let files = resources.map { resource in
            JSONValue.members([
                "name": .string(resource.name), "algorithm": "sha256", "digest": .string(resource.digest.description),
            ])
        }
        let tensors = resources.compactMap { resource in
            resource.tensors.map { tensors in
                (name: resource.name, value: JSONValue.object(JSONObject(members: tensors.map { ($0.name, .string($0.leaf.description)) })))
            }
        }
        var predicate: [(name: String, value: JSONValue)] = [
            ("serialization", .object(JSONObject(members: serialization))), ("resources", .array(files)),
        ]
        if !tensors.isEmpty { predicate.append((Self.tensorsName, .object(JSONObject(members: tensors)))) }
        let statement = JSONValue.members([
            "_type": .string(Self.type),
            "subject": [.members(["name": .string(name), "digest": .members(["sha256": .string(digest.description)])])],
            "predicateType": .string(Self.predicateType),
            "predicate": .object(JSONObject(members: predicate)),
        ])
        return Array(statement.serialized().utf8)
    }
}
