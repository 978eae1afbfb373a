internal import Storage
internal import Tokenizers

extension FindingList {
    /// The tokenizer beside the vocabulary, and the small files around it.
    mutating func checkTokenizer(_ files: AuditedFiles, vocabularySize: Int?) {
        for name in ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"] { _ = files.json(name, &self) }
        let names = Tokenizer.fileNames(in: files.tree)
        guard let name = names.first else {
            if let other = ["vocab.txt", "spiece.model"].first(where: files.contains) {
                warning(.otherTokenizer, other, "the tokenizer is there only in a form that is not read here.")
            } else {
                error(.missingFile, "tokenizer.json", "there is no tokenizer.")
            }
            return
        }
        for name in names where files.file(name, &self) == nil { return }
        do {
            let size = try Tokenizer(files.tree).vocabularySize
            guard let vocabularySize, size > vocabularySize else { return }
            error(
                .tokenizerMismatch, name,
                "it has token ids up to \(size - 1), but the model's vocabulary has only \(vocabularySize) rows; it belongs to another model."
            )
        } catch { objection(error, name) }
    }
}
