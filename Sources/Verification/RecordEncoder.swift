package import Checkpoints
package import Storage
internal import SystemPackage
package import Tokenizers
package import Transformer

/// What stands before every record, so that its first token is scored too.
package enum Prefix: Sendable, Equatable {
    /// Beginning of text of tokenizer or configuration, else end of text.
    case automatic
    case none
    case token(Int32)
}

/// Records as a model sees them: one prefix token, the tokens, and which predictions count.
package struct RecordEncoder: Sendable {
    private let tokenizer: Tokenizer
    private let vocabularySize: Int
    package let contextLength: Int
    /// The token before every record; nil where there is none.
    package let prefix: Int32?
    /// What the tokenizer itself puts before a text.
    package let template: [Int32]

    /// `context` shortens the model's context. Throws where the tokenizer does not fit the model, or where there is no token to begin with.
    package init(_ model: LanguageModel, _ tokenizer: Tokenizer, prefix: Prefix, context: Int? = nil) throws(VerificationError) {
        let configuration = model.configuration
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw .tokenizerTooLarge(
                model.path.appending("tokenizer.json"), tokens: tokenizer.vocabularySize, vocabulary: configuration.vocabularySize)
        }
        self.tokenizer = tokenizer
        vocabularySize = configuration.vocabularySize
        contextLength = min(context ?? .max, configuration.contextLength)
        template = tokenizer.prefixTokens
        switch prefix {
        case .none: self.prefix = nil
        case .token(let id):
            guard id >= 0, Int(id) < vocabularySize else {
                throw .tokenOutOfRange("--prefix", record: 0, token: Int(id), vocabulary: vocabularySize)
            }
            self.prefix = id
        case .automatic:
            guard let token = tokenizer.prefixTokens.first ?? model.prefixToken.flatMap({ Int32(exactly: $0) }),
                token >= 0, Int(token) < vocabularySize
            else { throw .noPrefix(model.path) }
            self.prefix = token
        }
    }

    /// Encodes records' texts one after another: it remembers the words they share.
    package func textEncoder() -> TextEncoder { TextEncoder(tokenizer) }

    /// The text of tokens.
    package func text(of ids: [Int32]) throws(TokenizerError) -> String { try tokenizer.decode(ids, skippingSpecialTokens: true) }

    /// A record's tokens, the prefix not among them, and where its scored tokens begin.
    package func tokens(_ record: TextRecord, by encoder: inout TextEncoder) throws(TokenizerError) -> (ids: [Int32], firstScored: Int) {
        switch record {
        case .text(let text): return (try encoder.encode(text, addingSpecialTokens: false), 0)
        case .completion(let prompt, let completion):
            var ids = try encoder.encode(prompt, addingSpecialTokens: false)
            let start = ids.count
            try encoder.encode(completion, addingSpecialTokens: false, into: &ids)
            return (ids, start)
        case .tokens(let ids): return (ids, 0)
        case .part(let record, _): return try tokens(record, by: &encoder)
        }
    }

    /// Records as examples; a record longer than the context is cut into windows that continue where the last one ended,
    /// every token scored once. `named` is what messages call the text.
    package func examples(_ records: [TextRecord], named name: String) throws -> [Example] {
        try check(records, named: name)
        var encoder = textEncoder()
        var result: [Example] = []
        for (index, record) in records.enumerated() {
            let (ids, firstScored) = try tokens(record, by: &encoder)
            let start = start(of: record)
            var windows = Self.windows(start + ids, firstScored: firstScored + start.count, length: contextLength)
            if case .part(_, let spans) = record { try score(spans, of: &windows, VerificationError.spanBeyondRecord(name, record: index)) }
            guard !windows.isEmpty else { throw VerificationError.nothingToScore(name, record: index) }
            result.append(Example(windows: windows))
        }
        return result
    }

    /// Whole records as token sequences, the prefix first.
    package func sequences(_ records: [TextRecord], named name: String) throws -> [[Int32]] {
        try check(records, named: name)
        var encoder = textEncoder()
        return try records.map { start(of: $0) + (try tokens($0, by: &encoder)).ids }
    }

    /// `count` samples of at most `length` tokens, spread as evenly over the records as their lengths allow, and over each record's length:
    /// what curvature is estimated from. A record with a prompt is taken whole.
    package func samples(_ count: Int, length: Int, of records: [TextRecord], named name: String) throws -> [Example] {
        try check(records, named: name)
        var encoder = textEncoder()
        let pieces = try records.evenly(count).map { try self.pieces(of: $0, length: length, by: &encoder) }
        let shares = Self.shares(of: count, among: pieces.map(\.count))
        let result = zip(pieces, shares).flatMap { $0.evenly($1) }
        guard !result.isEmpty else { throw VerificationError.nothingToScore(name, record: 0) }
        return result
    }

    /// A record in parts of at most `length` tokens, or whole where it has a prompt; without those that have nothing to be scored.
    private func pieces(of record: TextRecord, length: Int, by encoder: inout TextEncoder) throws -> [Example] {
        let (ids, firstScored) = try tokens(record, by: &encoder)
        let start = start(of: record)
        if firstScored > 0 {
            let windows = Self.windows(start + ids, firstScored: firstScored + start.count, length: contextLength)
            return windows.isEmpty ? [] : [Example(windows: windows)]
        }
        let room = max(1, min(length, contextLength) - start.count)
        return Swift.stride(from: 0, to: ids.count, by: room).flatMap { place in
            Self.windows(start + ids[place..<min(ids.count, place + room)], firstScored: start.count, length: contextLength)
        }.map { Example(windows: [$0]) }
    }

    /// How many of `count` each gets, of which there are so many: equally many, and what some cannot take goes to the others.
    private static func shares(of count: Int, among available: [Int]) -> [Int] {
        var (shares, left) = (available, count)
        for (place, index) in available.indices.sorted(by: { available[$0] < available[$1] }).enumerated() {
            shares[index] = min(available[index], left / (available.count - place))
            left -= shares[index]
        }
        return shares
    }

    /// Refuses token ids that the model does not have. Texts need no such check: the tokenizer fits the model.
    package func check(_ records: [TextRecord], named name: String) throws(VerificationError) {
        for (index, record) in records.enumerated() {
            guard case .tokens(let ids) = record.whole else { continue }
            for id in ids where id < 0 || Int(id) >= vocabularySize {
                throw .tokenOutOfRange(name, record: index, token: Int(id), vocabulary: vocabularySize)
            }
        }
    }

    /// The one prefix token, where there is one.
    package func start(of record: TextRecord) -> [Int32] { once(prefix.map { [$0] } ?? [], before: record) }

    /// What the tokenizer itself puts before a text.
    package func template(of record: TextRecord) -> [Int32] { once(template, before: record) }

    /// Token ids were often made with what the tokenizer puts before a text: it then stands there already.
    private func once(_ tokens: [Int32], before record: TextRecord) -> [Int32] {
        if case .tokens(let ids) = record.whole, ids.starts(with: tokens) { return [] }
        return tokens
    }

    /// Windows of at most `length` inputs over a sequence of which the tokens from `firstScored` on are scored. Each window
    /// begins with the last token of the one before; windows without a scored token are left out.
    static func windows(_ sequence: [Int32], firstScored: Int, length: Int) -> [Window] {
        guard sequence.count > 1 else { return [] }
        return Swift.stride(from: 0, to: sequence.count - 1, by: length).compactMap { start in
            let inputs = start..<min(start + length, sequence.count - 1)
            guard inputs.upperBound >= max(firstScored, 1) else { return nil }
            let targets = inputs.map { $0 + 1 >= firstScored ? sequence[$0 + 1] : Window.unscored }
            return Window(inputs: Array(sequence[inputs]), targets: targets)
        }
    }

    /// Leaves only the scored tokens within some ranges scored, and no window without any. Throws `failure` where there are not so many.
    private func score(_ spans: [Range<Int>], of windows: inout [Window], _ failure: VerificationError) throws(VerificationError) {
        var (passed, rest) = (0, spans[...])
        for window in windows.indices {
            for index in windows[window].targets.indices where windows[window].targets[index] != Window.unscored {
                if !(rest.first?.contains(passed) ?? false) { windows[window].targets[index] = Window.unscored }
                passed += 1
                if rest.first?.upperBound == passed { rest = rest.dropFirst() }
            }
        }
        guard rest.isEmpty else { throw failure }
        windows.removeAll { $0.targets.allSatisfy { $0 == Window.unscored } }
    }
}
