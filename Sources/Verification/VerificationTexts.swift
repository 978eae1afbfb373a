package import Storage
package import Transformer

/// A text that both models are measured on.
package struct VerifiedText: Sendable {
    package let records: [TextRecord]
    package let examples: [Example]
    /// UTF-8 bytes of what is scored; nil where not every token is scored, or there are none.
    package let bytes: Int?

    /// The bytes that zlib makes of what is scored of each record; nil of token ids.
    var compressedSizes: [Int?] { records.map { $0.scoredText.map { ZlibCompression.size(of: Array($0.utf8)) } } }

    /// Throws what encoding throws; `named` is what messages call it.
    package init(_ records: [TextRecord], named name: String, _ encoder: RecordEncoder) throws {
        self.records = records
        examples = try encoder.examples(records, named: name)
        bytes = encoder.prefix == nil ? nil : records.scoredBytes
    }
}

/// What an edit is judged on.
package struct VerificationTexts: Sendable {
    package var forget: VerifiedText
    /// General text that the model must stay good at.
    package var retain: VerifiedText
    /// Records that were to keep their own loss.
    package var keep: VerifiedText?
    /// Unseen text like the forget text.
    package var holdout: VerifiedText?
    /// Further texts, by names of the user's.
    package var others: [(name: String, text: VerifiedText)] = []

    package init(forget: VerifiedText, retain: VerifiedText, keep: VerifiedText? = nil, holdout: VerifiedText? = nil) {
        self.forget = forget
        self.retain = retain
        self.keep = keep
        self.holdout = holdout
    }

    /// All of them by role.
    var all: [(name: String, text: VerifiedText)] {
        [("forget", forget), ("retain", retain)] + (keep.map { [("keep", $0)] } ?? []) + (holdout.map { [("holdout", $0)] } ?? []) + others
    }
}
