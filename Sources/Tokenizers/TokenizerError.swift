package import Storage

/// What can go wrong with a tokenizer. `file` is the tokenizer's file, `item` the place in it, as in `model.merges[7]`.
package enum TokenizerError: DiagnosedError {
    case storage(StorageError)
    case missing(file: String, item: String)
    case wrongType(file: String, item: String, expected: String)
    case unsupported(file: String, item: String, found: String)
    case unsupportedExpression(file: String, item: String, construct: String)
    case malformedExpression(file: String, item: String, reason: String)
    case identifierOutOfRange(file: String, item: String, identifier: Int, limit: Int)
    case duplicateIdentifier(file: String, item: String, identifier: Int)
    case duplicateAddedToken(file: String, item: String, token: String)
    case misplacedAddedToken(file: String, item: String, declared: Int, assigned: Int)
    case malformedMerge(file: String, item: String)
    case mergeOutOfVocabulary(file: String, item: String, token: String)
    case unknownTokenOutOfVocabulary(file: String, token: String)
    case matchFailed(file: String, item: String, reason: String)
    case textTooLong(file: String, item: String, limit: Int)
    case noSuchToken(file: String, identifier: Int32)
    case malformedModel(file: String, reason: String)
    case noTokenizer(String)

    package var fault: Fault {
        switch self {
        case .storage(let error): error.fault
        case .unsupported, .unsupportedExpression: .unsupported
        case .noTokenizer: .missingInput
        default: .malformedInput
        }
    }

    package var kind: String {
        switch self {
        case .storage(let error): error.kind
        case .missing: "tokenizer-missing-item"
        case .wrongType: "tokenizer-wrong-type"
        case .unsupported: "unsupported-tokenizer"
        case .unsupportedExpression: "unsupported-regular-expression"
        case .malformedExpression: "malformed-regular-expression"
        case .identifierOutOfRange: "token-id-out-of-range"
        case .duplicateIdentifier: "duplicate-token-id"
        case .duplicateAddedToken: "duplicate-added-token"
        case .misplacedAddedToken: "misplaced-added-token"
        case .malformedMerge: "malformed-merge"
        case .mergeOutOfVocabulary: "merge-out-of-vocabulary"
        case .unknownTokenOutOfVocabulary: "unknown-token-out-of-vocabulary"
        case .matchFailed: "regular-expression-failed"
        case .textTooLong: "normalized-text-too-long"
        case .noSuchToken: "no-such-token"
        case .malformedModel: "malformed-sentencepiece-model"
        case .noTokenizer: "missing-tokenizer"
        }
    }

    package var description: String {
        switch self {
        case .storage(let error): error.description
        case .missing(let file, let item):
            "\(file): \(item) is missing."
        case .wrongType(let file, let item, let expected):
            "\(file): \(item) is not \(expected)."
        case .unsupported(let file, let item, let found):
            "\(file): \(item) is \(found), which this version does not support. It is refused rather than approximated."
        case .unsupportedExpression(let file, let item, let construct):
            "\(file): the regular expression of \(item) uses \(construct), which this version does not support. "
                + "It is refused rather than approximated."
        case .malformedExpression(let file, let item, let reason):
            "\(file): the regular expression of \(item) is malformed: \(reason)."
        case .identifierOutOfRange(let file, let item, let identifier, let limit):
            "\(file): \(item) has the id \(identifier); ids from 0 to \(limit - 1) were expected."
        case .duplicateIdentifier(let file, let item, let identifier):
            "\(file): \(item) has the id \(identifier), which another token has already."
        case .duplicateAddedToken(let file, let item, let token):
            "\(file): \(item) matches \(Self.quoted(token)), which another added token matches already."
        case .misplacedAddedToken(let file, let item, let declared, let assigned):
            "\(file): \(item) says id \(declared), but Hugging Face tokenizers would give it \(assigned). "
                + "Correct the file so that both agree."
        case .malformedMerge(let file, let item):
            "\(file): \(item) is neither two tokens separated by one space nor a pair of tokens."
        case .mergeOutOfVocabulary(let file, let item, let token):
            "\(file): \(item) needs the token \(Self.quoted(token)), which is not in model.vocab."
        case .unknownTokenOutOfVocabulary(let file, let token):
            "\(file): the text has a character without a token, and model.unk_token \(Self.quoted(token)) is not in model.vocab."
        case .matchFailed(let file, let item, let reason):
            "\(file): the regular expression of \(item) could not be matched to the text: \(reason)."
        case .textTooLong(let file, let item, let limit):
            "\(file): \(item) makes more than \(limit) bytes of a text, which is more than it is trusted with."
        case .noSuchToken(let file, let identifier):
            "\(file) has no token with the id \(identifier)."
        case .malformedModel(let file, let reason):
            "\(file) is no SentencePiece model: \(reason)."
        case .noTokenizer(let place):
            "\(place) has no tokenizer: neither tokenizer.json nor tokenizer.model nor vocab.json with merges.txt is there."
        }
    }

    /// Escapes what a terminal would obey, and cuts what is too long to read.
    private static func quoted(_ token: String) -> String {
        let start = String(String.UnicodeScalarView(token.unicodeScalars.prefix(80)))
        return start.debugDescription + (start.utf8.count < token.utf8.count ? "…" : "")
    }
}
