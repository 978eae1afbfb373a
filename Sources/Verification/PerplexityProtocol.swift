package import Storage
package import Tokenizers
package import Transformer

/// How a text becomes windows, and which tokens of it are scored: numbers of different protocols cannot be compared.
package enum PerplexityProtocol: Sendable, Equatable, CustomStringConvertible {
    /// Each record after the prefix token, disjoint windows of the context's length, every token scored.
    case records
    /// The same, but the last window reaches back so that it is full (lm-evaluation-harness's rolling log-likelihood).
    case rolling
    /// Windows of the context's length every `stride` tokens of the text as its tokenizer encodes it; of each only what the one before did not
    /// cover is scored, and a window's first token never (the perplexity page of the transformers documentation).
    case sliding(stride: Int)
    /// Disjoint chunks of `size` tokens, the first replaced by the prefix; of each the second half is scored (llama.cpp).
    case half(size: Int)

    package init(parsing text: String) throws(VerificationError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count > 1 ? Int(parts[1]) : nil, parts.count) {
        case ("records", _, 1): self = .records
        case ("lm-eval-rolling", _, 1): self = .rolling
        case ("hf-sliding", let stride?, 2) where stride > 0: self = .sliding(stride: stride)
        case ("llamacpp-half", let size?, 2) where size > 3: self = .half(size: size)
        default: throw .unknownProtocol(text)
        }
    }

    package var description: String {
        switch self {
        case .records: "records"
        case .rolling: "lm-eval-rolling"
        case .sliding(let stride): "hf-sliding:\(stride)"
        case .half(let size): "llamacpp-half:\(size)"
        }
    }

    /// Whether every token of the text is scored, so that a figure per byte makes sense.
    package var scoresEveryToken: Bool { self == .records || self == .rolling }

    /// The windows of a record, whose text `text` encodes.
    package func windows(_ record: TextRecord, _ encoder: RecordEncoder, _ text: inout TextEncoder) throws -> [Window] {
        let (ids, firstScored) = try encoder.tokens(record, by: &text)
        let (prefix, contextLength) = (encoder.prefix, encoder.contextLength)
        let start = encoder.start(of: record)
        switch self {
        case .records:
            return RecordEncoder.windows(start + ids, firstScored: firstScored + start.count, length: contextLength)
        case .rolling:
            var windows = RecordEncoder.windows(start + ids, firstScored: firstScored + start.count, length: contextLength)
            if windows.count > 1, let last = windows.last, last.inputs.count < contextLength {
                let sequence = start + ids
                let from = sequence.count - 1 - contextLength
                let context = contextLength - last.inputs.count
                windows[windows.count - 1] = Window(
                    inputs: Array(sequence[from..<sequence.count - 1]),
                    targets: [Int32](repeating: Window.unscored, count: context) + last.targets)
            }
            return windows
        case .sliding(let stride):
            guard stride <= contextLength else {
                throw VerificationError.protocolOutOfRange(
                    description, reason: "has a stride beyond the context of \(contextLength) tokens")
            }
            let template = encoder.template(of: record)
            let (ids, firstScored) = (template + ids, firstScored + template.count)
            var windows: [Window] = []
            var covered = 0
            for begin in Swift.stride(from: 0, to: ids.count, by: stride) {
                let end = min(begin + contextLength, ids.count)
                let targets = (begin + 1..<max(end, begin + 1)).map { $0 >= covered && $0 >= firstScored ? ids[$0] : Window.unscored }
                if targets.contains(where: { $0 != Window.unscored }) {
                    windows.append(Window(inputs: Array(ids[begin..<end - 1]), targets: targets))
                }
                covered = end
                if end == ids.count { break }
            }
            return windows
        case .half(let size):
            guard size <= contextLength else {
                throw VerificationError.protocolOutOfRange(description, reason: "has chunks beyond the context of \(contextLength) tokens")
            }
            return Swift.stride(from: 0, through: ids.count - size, by: size).map { begin in
                let chunk = (prefix.map { [$0] } ?? [ids[begin]]) + ids[begin + 1..<begin + size]
                let targets = (1..<size).map { $0 > size / 2 && begin + $0 >= firstScored ? chunk[$0] : Window.unscored }
                return Window(inputs: Array(chunk.dropLast()), targets: targets)
            }
        }
    }
}
