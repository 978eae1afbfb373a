package import Storage
package import SystemPackage

/// What can keep texts from being scored.
package enum VerificationError: DiagnosedError {
    case tokenizerTooLarge(FilePath, tokens: Int, vocabulary: Int)
    case nothingToScore(String, record: Int)
    case tokenOutOfRange(String, record: Int, token: Int, vocabulary: Int)
    case spanBeyondRecord(String, record: Int)
    case noPrefix(FilePath)
    case unknownProtocol(String)
    case protocolOutOfRange(String, reason: String)
    case tooShort(String)
    case tooLong(String, tokens: Int, context: Int)
    case unlikeModels(String)
    case noDigits(String, record: Int)
    case editReport(FilePath, String)
    case taskAnswer(String, String)

    package var fault: Fault {
        switch self {
        case .tokenizerTooLarge, .nothingToScore, .tokenOutOfRange, .tooShort, .tooLong, .unlikeModels, .spanBeyondRecord,
            .noDigits, .editReport, .taskAnswer:
            .malformedInput
        case .noPrefix, .unknownProtocol, .protocolOutOfRange: .usage
        }
    }

    package var kind: String {
        switch self {
        case .tokenizerTooLarge: "tokenizer-mismatch"
        case .nothingToScore: "nothing-to-score"
        case .tokenOutOfRange: "token-out-of-range"
        case .spanBeyondRecord: "span-beyond-record"
        case .noPrefix: "no-prefix-token"
        case .unknownProtocol, .protocolOutOfRange: "protocol"
        case .tooShort: "text-too-short"
        case .tooLong: "text-too-long"
        case .unlikeModels: "unlike-models"
        case .noDigits: "no-digits"
        case .editReport: "edit-report"
        case .taskAnswer: "task-answer"
        }
    }

    package var description: String {
        switch self {
        case .tokenizerTooLarge(let path, let tokens, let vocabulary):
            "\(path): the tokenizer has token ids up to \(tokens - 1), but the model's vocabulary has only \(vocabulary) rows; it belongs to another model."
        case .nothingToScore(let name, let record): "\(name): record \(record + 1) has no token to score."
        case .tokenOutOfRange(let name, let record, let token, let vocabulary):
            "\(name): record \(record + 1) has the token id \(token); the model's vocabulary has \(vocabulary) rows."
        case .spanBeyondRecord(let name, let record):
            "\(name): record \(record + 1) has fewer tokens that count than its \"token_spans\" speak of."
        case .noPrefix(let path):
            "\(path): neither tokenizer nor configuration names a beginning or end of text to score records after; give --prefix none or --prefix ID."
        case .unknownProtocol(let text):
            "There is no protocol \(text); there are records, lm-eval-rolling, hf-sliding:STRIDE and llamacpp-half:N."
        case .protocolOutOfRange(let text, let reason): "The protocol \(text) \(reason)."
        case .tooShort(let name): "\(name) is too short for this protocol: no token of it would be scored."
        case .tooLong(let name, let tokens, let context): "\(name) has \(tokens) tokens, more than the context of \(context)."
        case .noDigits(let name, let record):
            "\(name): record \(record + 1) has no digit in what is scored; a canary's candidates are the same record with other digits."
        case .editReport(let path, let reason): "\(path) is no report of excise edit --json: it \(reason)."
        case .taskAnswer(let place, let reason): "\(place): \(reason)."
        case .unlikeModels(let reason): "The two models cannot be compared token by token: \(reason)."
        }
    }
}
