import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

struct ContentDigestTests {
    private let tensors = [
        TensorBytes("b", "F32", [2, 1], bytes: [1, 2, 3, 4, 5, 6, 7, 8]), TensorBytes("a", "U8", [3], bytes: [9, 8, 7]),
        TensorBytes("c", "F16", [], bytes: [0, 60]),
        TensorBytes("d", "BF16", [0, 4], bytes: []), TensorBytes("a.b", "BOOL", [1], bytes: [1]),
    ]

    private func digest(_ tensors: [TensorBytes]) throws -> SHA256Digest {
        try withScratchDirectory { directory in
            try write(safetensors(tensors), to: directory.appending("x.safetensors"))
            return try Checkpoint(directory.appending("x.safetensors")).contentDigest()
        }
    }

    /// By Tests/Fixtures/content_digest.py, which shares no code with the tool.
    @Test(arguments: [
        ("llama-sharded", "3c1b212c0fa37e4ed28d048a688b8c35d7b9eccfe908545d2377976a6d3f1bc5"),
        ("llama-bf16", "7b557d88f16e9a6579baae99ca45f769feb7f7e6cf2da0c31324bf49af7a3ed1"),
    ])
    func knownAnswers(_ fixture: String, _ expected: String) throws {
        #expect(try Checkpoint(Fixture.directory.appending(fixture)).contentDigest().description == expected)
    }

    /// The digest of nothing, and of one leaf, written out.
    @Test func isThatOfTheDefinition() throws {
        #expect(try digest([]) == SHA256Hasher().finish())
        var content = SHA256Hasher()
        content.update([9, 8, 7].span)
        let head: [UInt8] =
            [0] + [1, 0, 0, 0, 0, 0, 0, 0] + [0x61] + [0x55, 0x38, 0] + [1, 0, 0, 0, 0, 0, 0, 0] + [3, 0, 0, 0, 0, 0, 0, 0]
        let preimage = head + content.finish().bytes
        var leaf = SHA256Hasher()
        leaf.update(preimage.span)
        #expect(try digest([tensors[1]]) == leaf.finish())
    }

    @Test func isTheSameInAnyOrder() throws {
        let expected = try digest(tensors)
        #expect(try digest(tensors.reversed()) == expected)
        #expect(try digest(Array(tensors[2...]) + tensors[..<2]) == expected)
    }

    @Test(arguments: [1, 2, 4])
    func isTheSameWhateverTheShards(_ cut: Int) throws {
        try withScratchDirectory { directory in
            try writeShards(
                [("model-2.safetensors", Array(tensors[..<cut])), ("model-1.safetensors", Array(tensors[cut...]))], in: directory)
            #expect(try Checkpoint(directory).contentDigest() == digest(tensors))
        }
        let sharded = try Checkpoint(Fixture.directory.appending("llama-sharded"))
        #expect(try digest(sharded.tensorBytes()) == sharded.contentDigest())
    }

    /// The header's spelling is no content.
    @Test func isTheSameWhateverTheMetadata() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            let text = #"{"__metadata__":{"format":"pt"}, "a" : {"shape":[3],"data_offsets":[0,3],"dtype":"U8"}}    "#
            try write(safetensors(header: Array(text.utf8), data: [9, 8, 7]), to: path)
            #expect(try Checkpoint(path).contentDigest() == digest([tensors[1]]))
        }
    }

    @Test func changesWithEverythingInIt() throws {
        var digests: Set<SHA256Digest> = [try digest(tensors)]
        var changed = tensors
        changed[0].bytes[7] ^= 0x80
        digests.insert(try digest(changed))
        changed = tensors
        changed[4].name = "a.c"
        digests.insert(try digest(changed))
        changed = tensors
        changed[2].dtype = "BF16"
        digests.insert(try digest(changed))
        for shape in [[1, 2], [2], [2, 1, 1]] {
            changed = tensors
            changed[0].shape = shape
            digests.insert(try digest(changed))
        }
        changed = tensors
        changed[3].shape = [4, 0]
        digests.insert(try digest(changed))
        digests.insert(try digest(tensors.dropLast()))
        // Two names exchanged: the same names, the same bytes.
        changed = [TensorBytes("x", [1]), TensorBytes("y", "F32", [1], bytes: [1, 0, 0, 0])]
        digests.insert(try digest(changed))
        (changed[0].name, changed[1].name) = ("y", "x")
        digests.insert(try digest(changed))
        #expect(digests.count == 11)
    }

    @Test func isAnErrorWhereTheFileShrinks() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("x.safetensors")
            try write(safetensors(tensors), to: path)
            let checkpoint = try Checkpoint(path)
            try write([1], to: path)
            let error = try #require(throws: StorageError.self) { try checkpoint.contentDigest() }
            #expect(error.kind == "truncated-file")
        }
    }
}
