internal import Checkpoints
internal import Storage
internal import SystemPackage

/// Reads a statement, once its signature holds. Who signed is trusted then, and may still have made mistakes.
struct StatementReader {
    private typealias Tensors = [(name: String, leaf: SHA256Digest)]
    /// The bundle.
    let path: FilePath

    private func fault(_ item: String, _ reason: String) -> SigningError { .malformed(path, item: item, reason: reason) }

    func read(_ payload: [UInt8]) throws -> Statement {
        do { return try statement(payload.span) } catch let error as JSONSyntaxError { throw fault("its statement", "is \(error)") }
    }

    private func statement(_ text: Span<UInt8>) throws -> Statement {
        guard var members = try JSONMembers(of: text) else { throw fault("its statement", "is not a JSON object") }
        var (type, predicateType, subject) = (String?.none, String?.none, JSONValue?.none)
        var predicate = (serialization: JSONValue?.none, resources: JSONValue?.none, tensors: [ByteName: Tensors]())
        while let member = try members.next() {
            switch member.name {
            case "_type": type = try member.string()
            case "predicateType": predicateType = try member.string()
            case "subject": subject = try member.value()
            case "predicate":
                guard var parts = member.members() else { throw fault("its predicate", "is no object") }
                while let part = try parts.next() {
                    switch part.name {
                    case "serialization": predicate.serialization = try part.value()
                    case "resources": predicate.resources = try part.value()
                    case Statement.tensorsName: predicate.tensors = try tensors(part)
                    default: break
                    }
                }
            default: break
            }
        }
        guard type == Statement.type else { throw fault("its statement's _type", "is not \(Statement.type)") }
        guard predicateType == Statement.predicateType else {
            throw SigningError.unsupported(path, reason: "its predicateType is not \(Statement.predicateType)")
        }
        guard let serialization = predicate.serialization else { throw fault("its statement's serialization", "is missing") }
        let statement = Statement(
            name: try name(subject), allowsLinks: try allowsLinks(serialization), ignored: try ignored(serialization),
            resources: try resources(predicate.resources ?? .null, predicate.tensors))
        guard let digest = subject?.array?[0]["digest"]?["sha256"]?.string, digest.utf8.elementsEqual(statement.digest.description.utf8)
        else {
            throw fault("its statement's subject", "has another digest than its resources")
        }
        return statement
    }

    private func name(_ subject: JSONValue?) throws -> String {
        guard let subjects = subject?.array, subjects.count == 1, let name = subjects[0]["name"]?.string else {
            throw fault("its statement's subject", "is not one with a name")
        }
        return name
    }

    private func allowsLinks(_ serialization: JSONValue) throws -> Bool {
        guard serialization["method"]?.string == "files", serialization["hash_type"]?.string == "sha256" else {
            throw SigningError.unsupported(path, reason: "it is not over whole files by SHA-256")
        }
        guard let allows = serialization["allow_symlinks"]?.boolean else { throw fault("its statement's allow_symlinks", "is no boolean") }
        return allows
    }

    private func ignored(_ serialization: JSONValue) throws -> IgnoredPaths {
        guard let list = serialization["ignore_paths"] else { return try IgnoredPaths([]) }
        let names = list.array?.compactMap(\.string) ?? []
        guard names.count == list.array?.count, let paths = try? IgnoredPaths(names) else {
            throw fault("its statement's ignore_paths", "are not all paths within the directory")
        }
        return paths
    }

    private func tensors(_ member: JSONMember) throws -> [ByteName: Tensors] {
        guard var files = member.members() else { throw fault("its statement's \(Statement.tensorsName)", "is no object") }
        var result: [ByteName: Tensors] = [:]
        while let file = try files.next() {
            guard var members = file.members() else {
                throw fault("its statement's \(Statement.tensorsName)", "has something else than an object")
            }
            var tensors: Tensors = []
            while let tensor = try members.next() {
                guard let leaf = try tensor.string().flatMap({ SHA256Digest(hexadecimal: $0) }) else {
                    throw fault("its statement's \(Statement.tensorsName)", "has something else than SHA-256 digests")
                }
                tensors.append((tensor.name, leaf))
            }
            result[ByteName(file.name)] = tensors
        }
        return result
    }

    private func resources(_ list: JSONValue, _ tensors: [ByteName: Tensors]) throws -> [Statement.Resource] {
        guard let entries = list.array, !entries.isEmpty else { throw fault("its statement's resources", "are missing, or none") }
        var left = tensors
        var names: Set<ByteName> = []
        let resources = try entries.map { entry in
            guard let name = entry["name"]?.string else { throw fault("its statement's resources", "have one without a name") }
            guard IgnoredPaths.isWithin(name) || (entries.count == 1 && name.utf8.elementsEqual(Statement.singleFile.utf8)) else {
                throw fault("its statement's resource \(CheckpointError.quoted(name))", "is no path within a directory")
            }
            guard names.insert(ByteName(name)).inserted else {
                throw fault("its statement's resource \(CheckpointError.quoted(name))", "is there twice")
            }
            guard entry["algorithm"]?.string == "sha256", let digest = entry["digest"]?.string.flatMap({ SHA256Digest(hexadecimal: $0) })
            else {
                throw fault("its statement's resource \(CheckpointError.quoted(name))", "has no SHA-256 digest")
            }
            return Statement.Resource(name: name, digest: digest, tensors: left.removeValue(forKey: ByteName(name)))
        }
        if let file = left.keys.first {
            throw fault("its statement's \(Statement.tensorsName)", "has \(CheckpointError.quoted(file.text)), which is no resource")
        }
        return resources
    }
}

extension SignatureBundle {
    /// The statement, which is only to be believed after `check`. Throws `malformed` or `unsupported`.
    package func statement() throws -> Statement { try StatementReader(path: path).read(envelope.payload) }
}
