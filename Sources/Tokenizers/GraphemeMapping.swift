/// The normalizer Precompiled: SentencePiece's charsmap as Hugging Face tokenizers reads it, which is not as SentencePiece does.
///
/// It looks up each grapheme of up to 5 bytes as a whole, where the shortest string of the map at its start replaces all of it;
/// and every other one character by character.
enum GraphemeMapping {
    static func mapped(_ text: [UInt8], by charsmap: Charsmap, _ limit: TextLimit) throws(TokenizerError) -> [UInt8] {
        var mapped: [UInt8] = []
        mapped.reserveCapacity(text.count)
        let bytes = text.span
        var position = 0
        while position < bytes.count {
            // Between ASCII characters there is a boundary, except in CR LF.
            var end = position
            while end < bytes.count, bytes[end] < 0x80, bytes[end] != 0x0D, end + 1 == bytes.count || bytes[end + 1] < 0x80 { end += 1 }
            for place in position..<end {
                map(bytes, place..<place + 1, charsmap, to: &mapped)
                try limit.check(mapped)
            }
            position = end
            guard position < bytes.count else { break }
            // What follows, up to the next such place, is left to the standard library.
            while end < bytes.count, bytes[end] >= 0x80 || bytes[end] == 0x0D || end + 1 < bytes.count && bytes[end + 1] >= 0x80 {
                end += 1
            }
            end = min(bytes.count, end + 1)
            while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
            for grapheme in String(decoding: text[position..<end], as: UTF8.self) {
                let next = position + grapheme.utf8.count
                map(bytes, position..<next, charsmap, to: &mapped)
                try limit.check(mapped)
                position = next
            }
        }
        return mapped
    }

    private static func map(_ text: Span<UInt8>, _ grapheme: Range<Int>, _ charsmap: Charsmap, to mapped: inout [UInt8]) {
        if grapheme.count < 6, let value = first(text, grapheme, charsmap) {
            mapped += charsmap.replacement(value)
            return
        }
        var position = grapheme.lowerBound
        while position < grapheme.upperBound {
            let end = position + text.scalarLength(at: position)
            if let value = first(text, position..<end, charsmap) {
                mapped += charsmap.replacement(value)
            } else {
                mapped.append(copying: text.extracting(position..<end))
            }
            position = end
        }
    }

    private static func first(_ text: Span<UInt8>, _ range: Range<Int>, _ charsmap: Charsmap) -> Int? {
        var value: Int?
        charsmap.forEachMatch(in: text, range) { _, found in
            value = found
            return false
        }
        return value
    }
}
