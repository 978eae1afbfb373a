import Checkpoints
import Patches
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct PatchManifestTests {
    private func withPatch(_ body: (_ directory: FilePath, Patch) throws -> Void) throws {
        try withScratchDirectory { directory in
            let (a, b) = (directory.appending("a.safetensors"), directory.appending("b.safetensors"))
            try [MadeTensor("w", .f32, [1, 2]), MadeTensor("same", .f32, [1])].write(to: a)
            try [MadeTensor("w", .f32, [1, 3]), MadeTensor("same", .f32, [1])].write(to: b, metadata: [("format", "pt"), ("by", "me")])
            try body(directory, makePatch(a, b, at: directory.appending("p")))
        }
    }

    @Test func isWhatItsSchemaSays() throws {
        try withPatch { _, patch in
            try JSONSchema("patch-manifest").check(patch.manifest.json)
            #expect(patch.manifest.json["metadata"]?.serialized() == #"[{"name":"by","before":null,"after":"me"}]"#)
            #expect(patch.manifest.json["unchanged"]?.array?.count == 1)
        }
    }

    /// Each member that is not what it should be is named; none of it is believed before the digests are.
    @Test(arguments: [
        (#""version":1"#, #""version":2"#, "version"), (#""unchanged":["#, #""unchanged":1,"x":["#, "unchanged"),
        (#""kind":"difference""#, #""kind":"other""#, "kind"), (#""dtype":"F32""#, #""dtype":"F33""#, "dtype"),
        (#""shape":[2]"#, #""shape":[-2]"#, "shape"), (#""shape":[2]"#, #""shape":[4611686018427387904,0]"#, "shape"),
        (#""shape":[2]"#, #""shape":[1.5]"#, "shape"), (#""changed_words":1"#, #""changed_words":-1"#, "changed_words"),
        (#""changed_words":1"#, #""changed_words":0"#, "differences"), (#""name":"same""#, #""name":"w""#, "twice"),
        (#""name":"w""#, #""name":"v""#, "content_digest"), (#""shape":[2]"#, #""shape":[3]"#, "content_digest"),
        (#""before":null"#, #""before":7"#, "before"), (#""edits":{"#, #""edit":{"#, "before"), (#""leaf":""#, #""leaf":"0"#, "SHA-256"),
    ])
    func refusesWhatIsMalformed(_ found: String, _ replacement: String, _ word: String) throws {
        try withPatch { directory, patch in
            let text = patch.manifest.json.serialized()
            let range = try #require(text.ranges(of: found).first)
            let other = text.replacingCharacters(range, replacement)
            let header = try SafetensorsHeader(of: InputFile(patch.path))
            let data = try InputFile.contents(of: patch.path).dropFirst(header.bytes.count)
            let layout = SafetensorsLayout(
                header.tensors.map(\.description),
                metadata: (header.metadata ?? []).map { $0.name == "excise.patch" ? ($0.name, other) : $0 })
            try write(layout.header + data, to: patch.path)
            let error = try fault { _ = try Patch(InputFile(patch.path)) }
            #expect([.malformedInput, .digestMismatch].contains(error.fault) && error.description.contains(word), "\(error)")
        }
    }
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<Index>, _ other: String) -> String {
        self[..<range.lowerBound] + other + self[range.upperBound...]
    }
}
