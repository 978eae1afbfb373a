package import Storage
internal import SystemPackage

/// A file of a model beside its tensors: configuration, tokenizer, whatever else its directory holds.
package struct ModelFile: Sendable {
    package enum Contents: Sendable {
        case file(InputFile)
        case bytes([UInt8])
    }

    package let name: String
    package let contents: Contents

    package init(_ name: String, _ contents: Contents) { (self.name, self.contents) = (name, contents) }

    package init(_ name: String, json: JSONValue) { self.init(name, .bytes(Array((json.serialized(pretty: true) + "\n").utf8))) }

    /// Its contents as a JSON document.
    func json() throws(StorageError) -> JSONValue {
        switch contents {
        case .file(let file): return try file.json(limit: 16 << 20)
        case .bytes(let bytes):
            do { return try JSONValue(parsing: bytes.span) } catch { throw .syntax(FilePath(name), error) }
        }
    }
}

extension FileTree {
    /// The files that come along when the model's tensors are written anew: all but those that hold tensors, in whatever
    /// container, and the indices of such. Left behind, an older container would still hold what an edit took away.
    package func companions() throws(StorageError) -> [ModelFile] {
        var result: [ModelFile] = []
        for name in names where !Self.holdsTensors(name) { result.append(ModelFile(name, .file(try file(name)))) }
        return result
    }

    /// Whether a file of that name is a container of tensors, or an index of such.
    package static func holdsTensors(_ name: String) -> Bool {
        let name = name.lowercased()
        let endings = [".safetensors", ".bin", ".pt", ".pth", ".gguf", ".ggml", ".h5", ".msgpack", ".onnx", ".ckpt", ".npz", ".index.json"]
        return endings.contains { name.hasSuffix($0) }
    }
}
