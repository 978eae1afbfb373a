import Checkpoints
import Foundation
import Storage
import SystemPackage
import Tensors
import TestSupport
import Verification

/// A sound model in a directory of its own, to be damaged: a pico model without the files of its tests, and with a tokenizer.
struct AuditedModel {
    let directory: FilePath

    /// Runs `body` with a copy of a pico model.
    static func with<Result>(_ fixture: String, _ body: (AuditedModel) throws -> Result) throws -> Result {
        try withScratchDirectory { directory in
            let model = AuditedModel(directory: directory)
            let source = Fixture.directory.appending(fixture)
            for name in try FileSystem.names(in: source) where name == "config.json" || name.hasPrefix("model") {
                try write(InputFile.contents(of: source.appending(name)), to: model[name])
            }
            try model.put("tokenizer.json", #"{"version": "1.0", "model": {"type": "BPE", "vocab": {"<a>": 0, "<b>": 60}, "merges": []}}"#)
            return try body(model)
        }
    }

    subscript(name: String) -> FilePath { directory.appending(name) }

    /// What the audit finds, a line each: severity, code, file, item.
    func findings() throws -> [String] {
        try audit().findings.map { [$0.severity.rawValue, $0.code, $0.file, $0.item ?? ""].joined(separator: " ") }.map {
            $0.hasSuffix(" ") ? String($0.dropLast()) : $0
        }
    }

    func audit() throws -> ModelAudit { try ModelAudit(FileTree(directory: directory)) }

    // MARK: Damage

    func put(_ name: String, _ text: String) throws { try write(Array(text.utf8), to: self[name]) }

    func remove(_ name: String) { FileSystem.remove(self[name]) }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: self[name].string, withDestinationPath: target)
    }

    /// Replaces part of a text file.
    func replace(_ part: String, by other: String, in name: String) throws {
        let text = String(decoding: try InputFile.contents(of: self[name]), as: UTF8.self)
        precondition(text.contains(part))
        try put(name, text.replacing(part, with: other))
    }

    /// Sets a member of a JSON file; nil takes it away.
    func set(_ key: String, _ value: JSONValue?, in name: String = "config.json") throws {
        var members = try InputFile.json(self[name]).object?.members ?? []
        members.removeAll { $0.name == key }
        if let value { members.append((key, value)) }
        try put(name, JSONValue.object(JSONObject(members: members)).serialized(pretty: true))
    }

    /// Writes a safetensors file anew with other tensors.
    func retensor(_ name: String = "model.safetensors", _ change: (inout [(tensor: TensorDescription, bytes: [UInt8])]) -> Void) throws {
        let file = try InputFile(self[name])
        var contents = try SafetensorsHeader(of: file).tensors.map {
            (tensor: $0.description, bytes: try file.bytes(at: $0.offset, count: $0.byteCount))
        }
        change(&contents)
        try write(
            SafetensorsLayout(contents.map(\.tensor), metadata: [("format", "pt")]).header + contents.flatMap(\.bytes), to: self[name])
    }
}

extension [(tensor: TensorDescription, bytes: [UInt8])] {
    /// Appends F32 zeros.
    mutating func add(_ name: String, _ shape: [Int]) {
        let tensor = TensorDescription(name: name, dtype: .f32, shape: shape)
        append((tensor, [UInt8](repeating: 0, count: tensor.byteCount)))
    }

    mutating func remove(_ name: String) { removeAll { $0.tensor.name == name } }
}
