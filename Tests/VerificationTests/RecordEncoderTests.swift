import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing
import Tokenizers
import Transformer
import Verification

struct RecordEncoderTests {
    private static let context = 8

    private func error(_ body: () throws -> Void) throws -> VerificationError {
        try #require(throws: VerificationError.self, performing: body)
    }

    // MARK: Prefixes

    @Test func choosesThePrefix() throws {
        #expect(try PicoTokenizer.encoder().prefix == 1)
        #expect(try PicoTokenizer.encoder(template: [5]).prefix == 5)
        #expect(try PicoTokenizer.encoder(template: [5, 6]).template == [5, 6])
        #expect(try PicoTokenizer.encoder(prefix: .none, template: [5]).prefix == nil)
        #expect(try PicoTokenizer.encoder(prefix: .token(60), template: [5]).prefix == 60)
        #expect(try PicoTokenizer.encoder(fixture: "gpt2-tied").prefix == 0)
        #expect(try PicoTokenizer.encoder().contextLength == 48)
        #expect(try PicoTokenizer.encoder(context: 1000).contextLength == 48)
        #expect(try PicoTokenizer.encoder(context: 7).contextLength == 7)
    }

    @Test(arguments: [-1, 61, .max, .min] as [Int32])
    func refusesAPrefixOutsideTheVocabulary(_ id: Int32) throws {
        let error = try error { _ = try PicoTokenizer.encoder(prefix: .token(id)) }
        #expect(error.kind == "token-out-of-range")
        #expect(error.description.contains("\(id)"))
    }

    /// Neither tokenizer nor configuration names one.
    @Test func asksForAPrefixWhereThereIsNone() throws {
        let directory = FilePath(Fixture.directory.appending("llama-tied-gqa").string)
        let tokenizer = try PicoTokenizer.make()
        let document = try InputFile.json(directory.appending("config.json"))
        let members = try #require(document.object).members.filter { !$0.name.hasSuffix("_token_id") }
        try withScratchDirectory { scratch in
            try write(Array(JSONValue.object(JSONObject(members: members)).serialized().utf8), to: scratch.appending("config.json"))
            try write(InputFile.contents(of: directory.appending("model.safetensors")), to: scratch.appending("model.safetensors"))
            let model = try LanguageModel(scratch)
            let error = try error { _ = try RecordEncoder(model, tokenizer, prefix: .automatic) }
            #expect(error.kind == "no-prefix-token")
            #expect(error.fault == .usage)
            #expect(try RecordEncoder(model, tokenizer, prefix: .none).prefix == nil)
            #expect(try RecordEncoder(model, tokenizer, prefix: .token(3)).prefix == 3)
        }
    }

    @Test func refusesATokenizerThatIsLargerThanTheVocabulary() throws {
        let model = try Fixture.model("llama-tied-gqa")
        #expect(try RecordEncoder(model, PicoTokenizer.make(size: 61), prefix: .automatic).prefix == 1)
        let error = try error { _ = try RecordEncoder(model, PicoTokenizer.make(size: 62), prefix: .automatic) }
        #expect(error.kind == "tokenizer-mismatch")
        #expect(error.fault == .malformedInput)
        #expect(error.description.contains("61") && error.description.contains("tokenizer.json"))
    }

    // MARK: Tokens

    /// Neither the template nor the prefix is among a record's tokens.
    @Test func encodesRecords() throws {
        let encoder = try PicoTokenizer.encoder(template: [5])
        let text = try encoder.tokens(.text("abc"))
        #expect(text.ids == [10, 11, 12] && text.firstScored == 0)
        let completion = try encoder.tokens(.completion(prompt: "ab", completion: "cde"))
        #expect(completion.ids == [10, 11, 12, 13, 14] && completion.firstScored == 2)
        let ids = try encoder.tokens(.tokens([7, 8]))
        #expect(ids.ids == [7, 8] && ids.firstScored == 0)
        #expect(try encoder.sequences([.text("abc"), .text("")], named: "x") == [[5, 10, 11, 12], [5]])
        #expect(try PicoTokenizer.encoder(prefix: .none).sequences([.text("abc")], named: "x") == [[10, 11, 12]])
    }

    /// Token ids that begin with the prefix were made with it.
    @Test func putsThePrefixBeforeTokenIdsOnce() throws {
        let encoder = try PicoTokenizer.encoder(template: [5])
        let records: [TextRecord] = [.tokens([5, 10, 11]), .tokens([10, 11])]
        #expect(try encoder.sequences(records, named: "x") == [[5, 10, 11], [5, 10, 11]])
        let examples = try encoder.examples(records, named: "x")
        #expect(examples.map(\.scoredTokens) == [2, 2])
        #expect(examples[0].windows.map(\.inputs) == examples[1].windows.map(\.inputs))
        for `protocol` in [PerplexityProtocol.records, .rolling, .sliding(stride: 4)] {
            let (with, without) = (try `protocol`.windows(records[0], encoder), try `protocol`.windows(records[1], encoder))
            #expect(with.map(\.inputs) == without.map(\.inputs) && with.map(\.targets) == without.map(\.targets))
        }
        #expect(throws: VerificationError.self) { try encoder.examples([.tokens([5])], named: "x") }
    }

    @Test(arguments: [61, -1, .max, .min] as [Int32])
    func refusesTokensOutsideTheVocabulary(_ id: Int32) throws {
        let encoder = try PicoTokenizer.encoder()
        let records: [TextRecord] = [.tokens([0, 60]), .tokens([3, id])]
        for attempt in [
            { _ = try encoder.examples(records, named: "here") }, { _ = try encoder.sequences(records, named: "here") },
            { _ = try encoder.samples(2, length: 8, of: records, named: "here") },
        ] as [() throws -> Void] {
            let error = try error(attempt)
            guard case .tokenOutOfRange("here", record: 1, token: Int(id), vocabulary: 61) = error else { throw error }
            #expect(error.description.hasPrefix("here: record 2"))
        }
    }

    /// Only the tokens of its spans count of such a record, also where it is cut into windows; its other tokens are read as before.
    @Test func scoresSpansOfTokens() throws {
        let encoder = try PicoTokenizer.encoder(context: 3)
        let whole = TextRecord.completion(prompt: "ab", completion: "cdefghi")
        let all = try encoder.examples([whole], named: "x")[0]
        let part = try encoder.examples([.part(of: whole, tokens: [1..<2, 3..<5])], named: "x")[0]
        let scored = all.windows.flatMap(\.targets).filter { $0 != Window.unscored }
        #expect(part.windows.flatMap(\.targets).filter { $0 != Window.unscored } == [scored[1], scored[3], scored[4]])
        let inputs = all.windows.map(\.inputs)
        #expect(part.windows.allSatisfy { inputs.contains($0.inputs) } && part.windows.count < all.windows.count)
        #expect(
            try encoder.examples([.part(of: whole, tokens: [0..<7])], named: "x")[0].windows.map(\.targets) == all.windows.map(\.targets))
        let beyond = try error { _ = try encoder.examples([.part(of: whole, tokens: [6..<8])], named: "x") }
        #expect(beyond.kind == "span-beyond-record")
    }

    @Test func refusesARecordWithoutAnythingToScore() throws {
        let encoder = try PicoTokenizer.encoder()
        guard case .nothingToScore("here", record: 1) = try error({ _ = try encoder.examples([.text("a"), .text("")], named: "here") })
        else { throw Unexpected() }
        let bare = try PicoTokenizer.encoder(prefix: .none)
        // Alone, a text's first token has nothing to be predicted from.
        #expect(try error { _ = try bare.examples([.text("a")], named: "here") }.kind == "nothing-to-score")
        #expect(try bare.examples([.text("ab")], named: "here").map(\.scoredTokens) == [1])
    }

    // MARK: Windows

    @Test(arguments: [1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 40])
    func scoresEveryTokenOnce(_ count: Int) throws {
        for context in [2, 3, Self.context] {
            let encoder = try PicoTokenizer.encoder(context: context)
            let ids = (0..<Int32(count)).map { $0 + 10 }
            let example = try #require(try encoder.examples([.tokens(ids)], named: "x").first)
            let predictions = Prediction.all(of: example.windows)
            #expect(predictions.map(\.target) == ids)
            #expect(example.windows.allSatisfy { $0.inputs.count <= context })
            // A window goes on where the last one ended, its last token being the context.
            let sequence = [1] + ids
            for (index, prediction) in predictions.enumerated() {
                #expect(prediction.context == Array(sequence[(index / context * context)...index]))
            }
            #expect(example.windows.count == (count + context - 1) / context)
        }
    }

    @Test(arguments: [1, 2, 7, 8, 9, 15, 16, 17, 40])
    func scoresNoFirstTokenWithoutAPrefix(_ count: Int) throws {
        let encoder = try PicoTokenizer.encoder(prefix: .none, context: Self.context)
        let ids = (0...Int32(count)).map { $0 + 10 }
        let examples = try encoder.examples([.tokens(ids)], named: "x")
        #expect(examples.flatMap { Prediction.all(of: $0.windows) }.map(\.target) == Array(ids.dropFirst()))
    }

    @Test(arguments: [0, 1, 6, 7, 8, 9, 15, 16, 26], [1, 2, 8, 9, 17])
    func scoresNoTokenOfAPrompt(_ prompt: Int, _ completion: Int) throws {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        let record = TextRecord.completion(prompt: String(letters[..<prompt]), completion: String(letters[..<completion]))
        for prefix in [Prefix.automatic, .none] {
            let encoder = try PicoTokenizer.encoder(prefix: prefix, context: Self.context)
            guard prefix == .automatic || prompt + completion > 1 else { continue }
            let example = try #require(try encoder.examples([record], named: "x").first)
            let predictions = Prediction.all(of: example.windows)
            let expected = (0..<Int32(completion)).map { $0 + 10 }
            #expect(predictions.map(\.target) == (prefix == .none && prompt == 0 ? Array(expected.dropFirst()) : expected))
            // Windows that are all prompt are left out, and the rest are not empty.
            #expect(example.windows.allSatisfy { $0.targets.contains { $0 != Window.unscored } })
        }
    }

    // MARK: Samples

    @Test func samplesRecordsEvenly() throws {
        let encoder = try PicoTokenizer.encoder(prefix: .token(60))
        let records = (0..<20).map { TextRecord.tokens([Int32($0), 50, 51, 52]) }
        func firsts(_ count: Int, length: Int = 8) throws -> [Int32] {
            try encoder.samples(count, length: length, of: records, named: "x").map { $0.windows[0].inputs[1] }
        }
        #expect(try firsts(4) == [0, 5, 10, 15])
        #expect(try firsts(1) == [0])
        #expect(try firsts(20) == (0..<20).map { Int32($0) })
        #expect(try firsts(7) == [0, 2, 5, 8, 11, 14, 17])
        // Short records give one sample each, however many are asked for.
        #expect(try firsts(50) == (0..<20).map { Int32($0) })
        let cut = try encoder.samples(2, length: 3, of: records, named: "x")
        #expect(cut.map(\.windows[0].inputs) == [[60, 0], [60, 10]])
        #expect(cut.map(\.windows[0].targets) == [[0, 50], [10, 50]])
    }

    @Test func samplesALongRecordEvenly() throws {
        let encoder = try PicoTokenizer.encoder()
        let ids = (0..<60).map { Int32($0) }
        let samples = try encoder.samples(3, length: 11, of: [.tokens(ids)], named: "x")
        // Six pieces of ten tokens after the prefix; the first, third and fifth of them.
        #expect(samples.map { $0.windows[0].targets } == [Array(ids[0..<10]), Array(ids[20..<30]), Array(ids[40..<50])])
        #expect(samples.allSatisfy { $0.windows.count == 1 && $0.windows[0].inputs[0] == 1 })
        #expect(try encoder.samples(6, length: 11, of: [.tokens(ids)], named: "x").flatMap { $0.windows[0].targets } == ids)
        #expect(try encoder.samples(100, length: 11, of: [.tokens(ids)], named: "x").count == 6)
        #expect(try encoder.samples(5, length: 11, of: [.tokens(ids), .tokens(ids)], named: "x").count == 5)
        // No longer than the context, whatever the length.
        #expect(try encoder.samples(2, length: 1000, of: [.tokens(ids)], named: "x").map(\.scoredTokens) == [47, 13])
    }

    /// What short records cannot give, long ones do; no record gives more than another that has as much.
    @Test func samplesLongRecordsWhereOthersAreShort() throws {
        let encoder = try PicoTokenizer.encoder()
        let short = (0..<3).map { TextRecord.tokens([Int32(50 + $0)]) }
        func numbers(_ count: Int) throws -> [Int] {
            let records = [.tokens([Int32](repeating: 2, count: 40))] + short + [.tokens([Int32](repeating: 3, count: 60))]
            let samples = try encoder.samples(count, length: 3, of: records, named: "x").map { Int($0.windows[0].targets[0]) }
            return [2, 3].map { token in samples.count { $0 == token } } + [samples.count { $0 >= 50 }]
        }
        #expect(try numbers(5) == [1, 1, 3])
        #expect(try numbers(14) == [5, 6, 3])
        #expect(try numbers(43) == [20, 20, 3])
        #expect(try numbers(50) == [20, 27, 3])
        #expect(try numbers(100) == [20, 30, 3])
    }

    @Test func samplesWithAPromptScoreTheCompletion() throws {
        let encoder = try PicoTokenizer.encoder()
        let samples = try encoder.samples(4, length: 4, of: [.completion(prompt: "abcdef", completion: "ghi")], named: "x")
        #expect(samples.flatMap { Prediction.all(of: $0.windows) }.map(\.target) == [16, 17, 18])
    }

    @Test func refusesToSampleNothing() throws {
        let encoder = try PicoTokenizer.encoder()
        #expect(try error { _ = try encoder.samples(4, length: 8, of: [.tokens([])], named: "x") }.kind == "nothing-to-score")
        #expect(try error { _ = try encoder.samples(4, length: 8, of: [], named: "x") }.kind == "nothing-to-score")
    }

    // MARK: A real tokenizer

    @Test(.enabled(if: Quickstart.directory != nil, "The quickstart model is in Examples, or in the folder that EXCISE_SHARED names."))
    func encodesTheQuickstartRecords() throws {
        let directory = try #require(Quickstart.directory)
        let model = try LanguageModel(directory.appending("model"))
        let tokenizer = try Tokenizer(file: InputFile(directory.appending("model").appending("tokenizer.json")))
        let encoder = try RecordEncoder(model, tokenizer, prefix: .automatic)
        #expect(encoder.prefix == 0 && encoder.contextLength == 256)
        let records = try TextRecords.read(directory.appending("unseen.jsonl"))
        let examples = try encoder.examples(records, named: "unseen.jsonl")
        #expect(examples.count == 20)
        for (record, example) in zip(records, examples) {
            guard case .completion(let prompt, let completion) = record else { throw Unexpected() }
            let targets = Prediction.all(of: example.windows).map(\.target)
            #expect(try tokenizer.decode(targets, skippingSpecialTokens: false) == completion)
            #expect(example.windows[0].inputs[0] == 0)
            let tokens = try encoder.tokens(record)
            #expect(try tokenizer.decode(Array(tokens.ids[..<tokens.firstScored]), skippingSpecialTokens: false) == prompt)
        }
        let retain = try TextRecords.read(directory.appending("retain.jsonl"))
        let whole = try encoder.examples(retain, named: "retain.jsonl")
        #expect(try whole.map(\.scoredTokens) == retain.map { try encoder.tokens($0).ids.count })
    }
}
