/// English as it is written: the decoders that put spaces between words take them away before punctuation and contractions.
enum EnglishSpacing {
    static func cleanedUp(_ text: [UInt8]) -> [UInt8] {
        cleanings.reduce(text) { $0.replacing($1.0, with: $1.1) }
    }

    private static let cleanings: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.utf8), Array($1.utf8)) }
}

extension Array where Element == UInt8 {
    /// With `replacement` for each occurrence of `pattern`, from left to right; an empty pattern occurs before each character and at the end.
    func replacing(_ pattern: [UInt8], with replacement: [UInt8]) -> [UInt8] {
        var replaced: [UInt8] = []
        var position = 0
        while position < count {
            let isBoundary = self[position] & 0xC0 != 0x80
            if self[position...].starts(with: pattern), isBoundary || !pattern.isEmpty {
                replaced += replacement
                position += pattern.count
                if !pattern.isEmpty { continue }
            }
            replaced.append(self[position])
            position += 1
        }
        return pattern.isEmpty ? replaced + replacement : replaced
    }
}
