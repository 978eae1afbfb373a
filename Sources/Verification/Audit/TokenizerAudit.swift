internal import Storage
internal import Tokenizers

extension FindingList {
    /// tokenizer.json beside the vocabulary, and the small files around it.
    mutating func checkTokenizer(_ files: AuditedFiles, vocabularySize: Int?) {
        for name in ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"] { _ = files.json(name, &self) }
        let name = "tokenizer.json"
        guard files.contains(name) else {
            let older = ["tokenizer.model", "vocab.json", "vocab.txt", "spiece.model"].first(where: files.contains)
            if let older {
                warning(.olderTokenizer, older, "the tokenizer is there only in an older form than tokenizer.json, which is not read here.")
            } else {
                error(.missingFile, name, "there is no tokenizer.")
            }
            return
        }
        guard let file = files.file(name, &self) else { return }
        do {
            let size = try Tokenizer(file: file).vocabularySize
            guard let vocabularySize, size > vocabularySize else { return }
            error(
                .tokenizerMismatch, name,
                "it has token ids up to \(size - 1), but the model's vocabulary has only \(vocabularySize) rows; it belongs to another model."
            )
        } catch { objection(error, name) }
    }
}
