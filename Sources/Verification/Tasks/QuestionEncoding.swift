internal import Storage
internal import Tokenizers
internal import Transformer

extension RecordEncoder {
    /// Each continuation of a question as lm-evaluation-harness scores it: of both together those tokens that the context alone does not have,
    /// the last of the context that fits before them.
    func examples(_ question: Question, by text: inout TextEncoder, _ failure: VerificationError) throws -> [Example] {
        try question.continuations.map { continuation in
            // Space at the context's end belongs to the word that follows.
            let context = String(question.context.prefix(question.context.reversed().drop { $0.isWhitespace }.count))
            let space = question.context.dropFirst(context.count)
            let before = start(of: .text(context))
            let known = before.count + (try text.encode(context, addingSpecialTokens: false)).count
            let sequence = before + (try text.encode(context + space + continuation, addingSpecialTokens: false))
            let kept = Array(sequence.suffix(contextLength + 1))
            let windows = Self.windows(kept, firstScored: max(0, known - (sequence.count - kept.count)), length: contextLength)
            guard !windows.isEmpty else { throw failure }
            return Example(windows: windows)
        }
    }
}
