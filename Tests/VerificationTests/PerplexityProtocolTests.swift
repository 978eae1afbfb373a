import Checkpoints
import Storage
import TestSupport
import Testing
import Transformer
import Verification

struct PerplexityProtocolTests {
    private let prefix: Int32 = 1

    private func predictions(
        _ protocol: PerplexityProtocol, _ ids: [Int32], prefix: Prefix = .automatic, template: [Int32] = [], context: Int
    ) throws -> [Prediction] {
        let windows = try `protocol`.windows(.tokens(ids), PicoTokenizer.encoder(prefix: prefix, template: template, context: context))
        #expect(windows.allSatisfy { $0.inputs.count <= context })
        return Prediction.all(of: windows)
    }

    private static let lengths = [0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 40]

    // MARK: Names

    @Test(arguments: ["records", "lm-eval-rolling", "hf-sliding:1", "hf-sliding:512", "llamacpp-half:4", "llamacpp-half:512"])
    func readsItsOwnNames(_ text: String) throws {
        #expect(try PerplexityProtocol(parsing: text).description == text)
    }

    @Test(arguments: [
        "", "record", "Records", "records:1", "records:", "lm-eval-rolling:2", "hf-sliding", "hf-sliding:", "hf-sliding:0", "hf-sliding:-1",
        "hf-sliding:1.5", "hf-sliding:1:2",
        "hf-sliding:99999999999999999999", "llamacpp-half", "llamacpp-half:3", "llamacpp-half:0", "llamacpp-half:-8", "llamacpp-half:x",
        " records",
    ])
    func refusesOtherNames(_ text: String) throws {
        let error = try #require(throws: VerificationError.self) { try PerplexityProtocol(parsing: text) }
        guard case .unknownProtocol(text) = error else { throw error }
        #expect(error.fault == .usage)
    }

    @Test func knowsWhichScoreEveryToken() {
        #expect(PerplexityProtocol.records.scoresEveryToken && PerplexityProtocol.rolling.scoresEveryToken)
        #expect(!PerplexityProtocol.sliding(stride: 4).scoresEveryToken && !PerplexityProtocol.half(size: 8).scoresEveryToken)
    }

    // MARK: Against their definitions

    @Test(arguments: lengths, [2, 3, 8])
    func records(_ count: Int, _ context: Int) throws {
        let ids = tokens(count)
        let sequence = [prefix] + ids
        let expected = ids.indices.map { Prediction(context: Array(sequence[($0 / context * context)...$0]), target: ids[$0]) }
        #expect(try predictions(.records, ids, context: context) == expected)
    }

    /// As lm-evaluation-harness has it (get_rolling_token_windows and make_disjoint_window), with context_len 1.
    private func rollingReference(_ ids: [Int32], _ length: Int) -> [Prediction] {
        var result: [Prediction] = []
        var predicted = 0
        while predicted < ids.count {
            let count = min(length, ids.count - predicted)
            let end = predicted + count
            let context = predicted == 0 ? [prefix] : Array(ids[(end - length - 1)..<predicted])
            for place in predicted..<end { result.append(Prediction(context: context + ids[predicted..<place], target: ids[place])) }
            predicted = end
        }
        return result
    }

    @Test(arguments: lengths, [2, 3, 8])
    func rolling(_ count: Int, _ context: Int) throws {
        let ids = tokens(count)
        #expect(try predictions(.rolling, ids, context: context) == rollingReference(ids, context))
        #expect(rollingReference(ids, context).map(\.target) == ids)
    }

    /// As the transformers documentation has it, targets of -100 being the ones that do not count.
    private func slidingReference(_ ids: [Int32], _ length: Int, _ stride: Int) -> (predictions: [Prediction], windows: Int) {
        var result: [Prediction] = []
        var (begin, previousEnd, windows) = (0, 0, 0)
        while begin < ids.count {
            let end = min(begin + length, ids.count)
            windows += 1
            let inputs = Array(ids[begin..<end])
            var labels: [Int32?] = inputs
            for place in 0..<(inputs.count - (end - previousEnd)) { labels[place] = nil }
            for place in inputs.indices.dropFirst() {
                if let label = labels[place] { result.append(Prediction(context: Array(inputs[..<place]), target: label)) }
            }
            previousEnd = end
            if end == ids.count { break }
            begin += stride
        }
        return (result, windows)
    }

    @Test(arguments: lengths, [(8, 1), (8, 3), (8, 4), (8, 7), (8, 8), (2, 1), (2, 2), (3, 2)])
    func sliding(_ count: Int, _ shape: (context: Int, stride: Int)) throws {
        let ids = tokens(count)
        let found = try predictions(.sliding(stride: shape.stride), ids, context: shape.context)
        let reference = slidingReference(ids, shape.context, shape.stride)
        #expect(found == reference.predictions)
        // Where windows overlap, only the very first token is not scored; side by side, each window's first is not.
        #expect(found.count == max(0, shape.stride < shape.context ? count - 1 : count - reference.windows))
    }

    /// It has no prefix, but what the tokenizer itself puts before a text.
    @Test func slidingBeginsWithTheTemplate() throws {
        let ids = tokens(20)
        #expect(try predictions(.sliding(stride: 4), ids, template: [5], context: 8) == slidingReference([5] + ids, 8, 4).predictions)
        #expect(try predictions(.sliding(stride: 4), ids, prefix: .token(7), context: 8) == slidingReference(ids, 8, 4).predictions)
        #expect(try predictions(.sliding(stride: 4), ids, prefix: .none, context: 8) == slidingReference(ids, 8, 4).predictions)
    }

    /// As llama.cpp has it: chunks of n_ctx, the first token replaced, logits n_ctx/2 to n_ctx - 2 scored.
    private func halfReference(_ ids: [Int32], _ size: Int, _ prefix: Int32?) -> [Prediction] {
        (0..<ids.count / size).flatMap { chunk in
            var inputs = Array(ids[chunk * size..<(chunk + 1) * size])
            if let prefix { inputs[0] = prefix }
            return (size / 2..<size - 1).map { Prediction(context: Array(inputs[...$0]), target: inputs[$0 + 1]) }
        }
    }

    @Test(arguments: lengths, [4, 5, 8])
    func half(_ count: Int, _ size: Int) throws {
        let ids = tokens(count)
        let found = try predictions(.half(size: size), ids, context: 8)
        #expect(found == halfReference(ids, size, prefix))
        #expect(found.count == count / size * (size - size / 2 - 1))
        #expect(try predictions(.half(size: size), ids, prefix: .none, context: 8) == halfReference(ids, size, nil))
    }

    @Test func refusesWhatDoesNotFitTheContext() throws {
        for `protocol` in [PerplexityProtocol.sliding(stride: 9), .half(size: 9)] {
            let error = try #require(throws: VerificationError.self) { try predictions(`protocol`, tokens(40), context: 8) }
            guard case .protocolOutOfRange(`protocol`.description, _) = error else { throw error }
            #expect(error.fault == .usage)
        }
    }

    /// Only a completion's tokens count where windows can tell them apart.
    @Test(arguments: [PerplexityProtocol.records, .rolling, .sliding(stride: 3)])
    func scoresNoPrompt(_ protocol: PerplexityProtocol) throws {
        let record = TextRecord.completion(prompt: "abcdefghijkl", completion: "mnopq")
        let windows = try `protocol`.windows(record, PicoTokenizer.encoder(context: 8))
        #expect(Prediction.all(of: windows).map(\.target) == [22, 23, 24, 25, 26])
    }

    @Test func halfScoresNoPrompt() throws {
        let record = TextRecord.completion(prompt: "abcdefg", completion: "h")
        let windows = try PerplexityProtocol.half(size: 8).windows(record, PicoTokenizer.encoder(context: 8))
        #expect(Prediction.all(of: windows).map(\.target) == [17])
    }

    // MARK: Measured

    private func perplexity(_ protocol: PerplexityProtocol, _ records: [TextRecord], prefix: Prefix = .automatic) throws -> Perplexity {
        let model = try Fixture.model("llama-tied-gqa")
        let encoder = try RecordEncoder(model, PicoTokenizer.make(), prefix: prefix, context: 8)
        return try Perplexity(of: records, named: "here", `protocol`, encoder, Scorer(model, from: model.checkpoint), progress: { _, _ in })
    }

    @Test(
        arguments: [
            (.records, ""), (.rolling, ""), (.sliding(stride: 4), ""), (.sliding(stride: 4), "a"), (.sliding(stride: 8), "a"),
            (.half(size: 8), ""), (.half(size: 8), "abcdefg"),
        ] as [(PerplexityProtocol, String)])
    func refusesWhatIsTooShort(_ protocol: PerplexityProtocol, _ text: String) throws {
        let error = try #require(throws: VerificationError.self) { try perplexity(`protocol`, [.text(text), .text(text)]) }
        guard case .tooShort("here") = error else { throw error }
        #expect(error.fault == .malformedInput)
    }

    @Test(arguments: [PerplexityProtocol.records, .rolling, .sliding(stride: 4), .half(size: 8)])
    func refusesNothing(_ protocol: PerplexityProtocol) throws {
        let error = try #require(throws: VerificationError.self) { try perplexity(`protocol`, [], prefix: .none) }
        #expect(error.kind == "text-too-short")
    }

    @Test(arguments: [PerplexityProtocol.records, .rolling, .sliding(stride: 4), .half(size: 8)])
    func refusesTokensOutsideTheVocabulary(_ protocol: PerplexityProtocol) throws {
        let error = try #require(throws: VerificationError.self) { try perplexity(`protocol`, [.tokens([3, 4]), .tokens([3, 61])]) }
        guard case .tokenOutOfRange("here", record: 1, token: 61, vocabulary: 61) = error else { throw error }
    }

    /// A record that is too short counts as a record and is passed over.
    @Test func passesOverWhatIsTooShort() throws {
        let both = try perplexity(.half(size: 8), [.text("abcdefgh"), .text("a")])
        let one = try perplexity(.half(size: 8), [.text("abcdefgh")])
        #expect(both.records == 2 && both.tokens == 3 && both.nll == one.nll)
    }

    @Test func countsTokensAndBytes() throws {
        let records = [TextRecord.text("abcdefghijkl"), .completion(prompt: "abc", completion: "de")]
        let all = try perplexity(.records, records)
        #expect(all.records == 2 && all.tokens == 14 && all.bytes == 14 && all.prefix == 1)
        let model = try Fixture.model("llama-tied-gqa")
        let examples = try PicoTokenizer.encoder(context: 8).examples(records, named: "x")
        #expect(try all.nll == Scorer(model, from: model.checkpoint).score(examples).nll)
        #expect(abs(all.perplexity.logarithm - all.nll / 14) < 1e-12)
        #expect(abs((all.bitsPerByte ?? 0) - all.nll / 14 / 2.0.logarithm) < 1e-12)
        #expect(try perplexity(.records, [.tokens([3, 4])]).bytes == nil)
        #expect(try perplexity(.sliding(stride: 4), records).bitsPerByte == nil)
        let bare = try perplexity(.records, records, prefix: .none)
        #expect(bare.tokens == 13)
        #expect(bare.bytes == nil)
    }
}
