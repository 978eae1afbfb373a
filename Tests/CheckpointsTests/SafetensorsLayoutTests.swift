import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Tensors
import Testing

struct SafetensorsLayoutTests {
    private let tensors = [
        TensorDescription(name: "b", dtype: .f16, shape: [3]), TensorDescription(name: "a", dtype: .bf16, shape: [2, 2]),
        TensorDescription(name: "é\"\n", dtype: .bf16, shape: []), TensorDescription(name: "z", dtype: .i64, shape: [1]),
        TensorDescription(name: "empty", dtype: .u8, shape: [0, 7]),
    ]

    /// The bytes that PyPI's safetensors 0.8.0 writes for these tensors and this metadata (its header, with its length before).
    private let reference =
        #"{"__metadata__":{"format":"pt"},"z":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"BF16","shape":[2,2],"data_offsets":[8,16]},"é\"\n":{"dtype":"BF16","shape":[],"data_offsets":[16,18]},"b":{"dtype":"F16","shape":[3],"data_offsets":[18,24]},"empty":{"dtype":"U8","shape":[0,7],"data_offsets":[24,24]}}"#

    @Test func isTheReferenceWritersWhateverTheOrder() {
        for _ in 0..<20 {
            let layout = SafetensorsLayout(canonical: tensors.shuffled(), metadata: [("format", "pt")])
            let text = String(decoding: layout.header.dropFirst(8), as: UTF8.self)
            #expect(text.hasPrefix(reference))
            #expect(text.dropFirst(reference.count).allSatisfy { $0 == " " })
            #expect(layout.header.count % 8 == 0 && layout.header.count < 8 + reference.utf8.count + 8)
            #expect(layout.byteCount == layout.header.count + 24)
        }
    }

    @Test func keepsTheOrderItIsGiven() throws {
        try withScratchDirectory { directory in
            let layout = SafetensorsLayout(tensors, metadata: nil)
            let path = directory.appending("a.safetensors")
            try write(layout.header + [UInt8](repeating: 7, count: 24), to: path)
            let checkpoint = try Checkpoint(path)
            #expect(checkpoint.tensors.filter { $0.byteCount > 0 }.map(\.name) == ["b", "a", "é\"\n", "z"])
            #expect(checkpoint.shards[0].safetensors?.metadata == nil)
        }
    }

    @Test func repeatsAHeader() throws {
        let checkpoint = try Checkpoint(Fixture.directory.appending("llama-bf16"))
        let header = try #require(checkpoint.shards[0].safetensors)
        let layout = SafetensorsLayout(repeating: header)
        #expect(layout.header == header.bytes)
        #expect(layout.tensors == checkpoint.tensors.map(\.description))
        #expect(layout.byteCount == checkpoint.shards[0].file.size)
    }

    /// The file's own wording stays where the metadata do.
    @Test func changesTheMetadataOfAHeader() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            let text = #"{"a" : {"shape":[3],"data_offsets":[0,3],"dtype":"U8"}, "__metadata__":{"format":"pt"}}  "#
            try write(safetensors(header: Array(text.utf8), data: [9, 8, 7]), to: path)
            let header = try SafetensorsHeader(of: InputFile(path))
            #expect(SafetensorsLayout(repeating: header, metadata: [("format", "pt")]).header == header.bytes)
            let changed = SafetensorsLayout(repeating: header, metadata: [("format", "pt"), ("more", "1")])
            try write(changed.header + [9, 8, 7], to: path)
            let read = try SafetensorsHeader(of: InputFile(path))
            #expect(
                read.metadata?.map(\.name) == ["format", "more"] && read.tensors.map(\.description) == header.tensors.map(\.description))
            #expect(SafetensorsLayout(repeating: header, metadata: []).header == SafetensorsLayout(changed.tensors, metadata: nil).header)
        }
    }
}
