package import Storage

/// Everything that a canary could have been: the same record with any other digits in what is scored of it.
package struct CanarySpace: Sendable {
    /// What the canary is.
    package let record: TextRecord
    /// How many digits may vary.
    package let digits: Int
    private let text: [UInt8]

    /// Nil of token ids, and where what is scored has no digit.
    package init?(_ record: TextRecord) {
        switch record {
        case .text(let text), .completion(_, let text): self.text = Array(text.utf8)
        case .tokens, .part: return nil
        }
        self.record = record
        digits = text.count(where: Self.isDigit)
        guard digits > 0 else { return nil }
    }

    /// The space's size in bits: log2 of 10 to the number of digits.
    package var bits: Double { Double(digits) * 3.321928094887362 }

    /// The candidates other than the canary: all of them where they are no more than `most`, otherwise so many that are drawn from them
    /// evenly, the same for the same generator.
    package func candidates(atMost most: Int, _ random: inout some RandomNumberGenerator) -> [TextRecord] {
        if isEnumerable(atMost: most) {
            let size = (0..<digits).reduce(1) { product, _ in product * 10 }
            return (0..<size).map { number in
                var rest = number
                return filled { _ in
                    defer { rest /= 10 }
                    return rest % 10
                }
            }.filter { $0 != record }
        }
        var result: [TextRecord] = []
        while result.count < most {
            let candidate = filled { _ in Int.random(in: 0..<10, using: &random) }
            if candidate != record { result.append(candidate) }
        }
        return result
    }

    /// Whether all of its candidates are no more than `most`.
    package func isEnumerable(atMost most: Int) -> Bool {
        digits <= 6 && (0..<digits).reduce(1) { product, _ in product * 10 } - 1 <= most
    }

    /// The record with the last digit from `digit` first.
    private func filled(_ digit: (Int) -> Int) -> TextRecord {
        var bytes = text
        for place in bytes.indices.reversed() where Self.isDigit(bytes[place]) { bytes[place] = UInt8(ascii: "0") + UInt8(digit(place)) }
        let filled = String(decoding: bytes, as: UTF8.self)
        if case .completion(let prompt, _) = record { return .completion(prompt: prompt, completion: filled) }
        return .text(filled)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
