@_spi(_Unicode) internal import Swift

/// Unicode's Normalization Form D as Hugging Face tokenizers computes it: by the tables of Unicode 9, which pass over later characters.
enum CanonicalDecomposition {
    static func decomposed(_ text: [UInt8]) -> [UInt8] {
        // The lead byte 0xC3 begins U+00C0, the first character that decomposes.
        guard text.contains(where: { $0 >= 0xC3 }) else { return text }
        let span = text.span
        var decomposed: [UInt8] = []
        decomposed.reserveCapacity(text.count + text.count / 2)
        var run = String.UnicodeScalarView()
        func flush() {
            for scalar in String(run)._nfd { decomposed.append(scalar) }
            run = String.UnicodeScalarView()
        }
        var position = 0
        while position < span.count {
            let scalar = span.scalar(at: position)
            position += span.scalarLength(at: position)
            if scalar.isASCII || !scalar.isInUnicode9 {
                if !run.isEmpty { flush() }
                decomposed.append(scalar)
            } else {
                CanonicalComposition.append(scalar, to: &run)
            }
        }
        flush()
        return decomposed
    }
}
