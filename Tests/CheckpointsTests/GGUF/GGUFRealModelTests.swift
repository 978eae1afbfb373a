import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing
import Tokenizers

/// SmolLM2-135M-Instruct as a GGUF file, against the directory that was made from it by other means, in BF16.
@Suite struct GGUFRealModelTests {
    private static let isThere = Fixture.smolLM2 != nil && Fixture.smolLM2GGUF != nil

    @Test(.enabled(if: isThere, "Give EXCISE_SMOLLM2 and EXCISE_SMOLLM2_GGUF to run this."))
    func agreesWithTheConvertedModel() throws {
        let directory = try #require(Fixture.smolLM2)
        let model = try GGUFModel(InputFile(#require(Fixture.smolLM2GGUF)))
        let converted = try Checkpoint(directory)
        #expect(Set(model.tensors.map(\.name)) == Set(converted.tensors.map(\.name)))
        for tensor in model.tensors {
            #expect(tensor.shape == converted.tensor(named: tensor.name)?.shape)
            // The middle of each, more than a row and not whole blocks: debug builds are slow.
            let start = tensor.elementCount / 2 - 100
            var found = [Float](repeating: .nan, count: min(3001, tensor.elementCount - start))
            var expected = found
            var foundSpan = found.mutableSpan
            try model.read(tensor.name, from: start, into: &foundSpan)
            StoredScalar.round(&foundSpan, to: .bf16)
            var expectedSpan = expected.mutableSpan
            try converted.read(tensor.name, from: start, into: &expectedSpan)
            #expect((found == expected) == true, "\(tensor.name)")
        }
        let configuration = try ModelConfiguration(document: model.configuration, path: "config.json")
        let expected = try ModelConfiguration(directory: directory)
        #expect(configuration.hiddenSize == expected.hiddenSize && configuration.layerCount == expected.layerCount)
        #expect(configuration.headCount == expected.headCount && configuration.keyValueHeadCount == expected.keyValueHeadCount)
        #expect(configuration.headSize == expected.headSize && configuration.feedForwardSize == expected.feedForwardSize)
        #expect(configuration.vocabularySize == expected.vocabularySize && configuration.contextLength == expected.contextLength)
        #expect(configuration.normEpsilon == expected.normEpsilon && configuration.position == expected.position)
        #expect(configuration.isHeadTied == expected.isHeadTied && configuration.beginToken == expected.beginToken)
        #expect(configuration.endTokens == expected.endTokens)
        let ours = try Tokenizer(json: model.tokenizer, name: "GGUF")
        let theirs = try Tokenizer(file: InputFile(directory.appending("tokenizer.json")))
        for text in ["In 2024  it's<|im_start|>user\n", "naïve 世界 👩‍👧 1234 don't", "\t\n   x  "] {
            let ids = try ours.encode(text, addingSpecialTokens: true)
            #expect(try ids == theirs.encode(text, addingSpecialTokens: true))
        }
    }
}
