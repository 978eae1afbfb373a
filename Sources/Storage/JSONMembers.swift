/// The members of one JSON object, read one after the other from its text: however many there are, this takes a few words for
/// each name beside what the caller keeps.
///
/// Once every value has been read too, this is as strict as `JSONValue(parsing:)`. Names may hold any character, even U+0000.
package struct JSONMembers: ~Copyable, ~Escapable {
    private let text: Span<UInt8>
    private let end: Int
    private let depth: Int
    private var index: Int
    private var isFirst = true
    private var isClosed = false
    /// Where a name is written, by its hash; of names that share a hash, the later ones take the next places that are free.
    private var places: [Int: Int32] = [:]

    /// Nil where the text does not begin with `{`. Throws where it is not UTF-8.
    ///
    /// - Parameter depth: how deeply objects and arrays may nest, this object included.
    @_lifetime(copy text)
    package init?(of text: Span<UInt8>, depth: Int = 64) throws(JSONSyntaxError) {
        do { _ = try UTF8Span(validating: text) } catch {
            throw JSONSyntaxError(offset: error.byteOffsets.lowerBound, reason: "the text is not UTF-8")
        }
        guard text.count < Int(Int32.max) else { throw JSONSyntaxError(offset: 0, reason: "the document is longer than 2 GiB") }
        self.init(in: 0..<text.count, of: text, depth: depth)
    }

    @_lifetime(copy text)
    fileprivate init?(in range: Range<Int>, of text: Span<UInt8>, depth: Int) {
        (self.text, self.end, self.depth, self.index) = (text, range.upperBound, depth, range.lowerBound)
        skipSpace()
        guard current == UInt8(ascii: "{") else { return nil }
        index += 1
    }

    /// The next member; nil behind the last one, where nothing follows the object.
    @_lifetime(copy self)
    package mutating func next() throws(JSONSyntaxError) -> JSONMember? {
        guard !isClosed else { return nil }
        skipSpace()
        guard current != UInt8(ascii: "}") else {
            isClosed = true
            index += 1
            skipSpace()
            guard index == end else { throw JSONSyntaxError(offset: index, reason: "something follows the document") }
            return nil
        }
        if !isFirst { try take(",") }
        isFirst = false
        let name = try takeName()
        try take(":")
        let start = index
        try skipValue()
        return JSONMember(name: String(decoding: name.bytes, as: UTF8.self), text: text, range: start..<index, depth: depth - 1)
    }

    private mutating func takeName() throws(JSONSyntaxError) -> JSONName {
        guard current == UInt8(ascii: "\"") else { throw JSONSyntaxError(offset: index, reason: "a name in double quotes is missing") }
        let start = index
        index = try JSONString.end(from: start, in: text) + 1
        let name = JSONName(bytes: JSONString.decoded(start + 1..<index - 1, in: text))
        var hash = name.hashValue
        while let place = places[hash] {
            let earlier = Int(place) + 1..<(try JSONString.end(from: Int(place), in: text))
            guard JSONString.decoded(earlier, in: text) != name.bytes else { throw name.repeated(at: start) }
            hash &+= 1
        }
        places[hash] = Int32(start)
        return name
    }

    /// Goes behind the value: its quotes and brackets are counted, but whether it is JSON shows when it is read.
    private mutating func skipValue() throws(JSONSyntaxError) {
        var open = 0
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""): index = try JSONString.end(from: index, in: text)
            case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
            case UInt8(ascii: "}") where open == 0, UInt8(ascii: ",") where open == 0: return
            case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
            default: break
            }
            index += 1
        }
        throw JSONSyntaxError(offset: index, reason: "the text ends too early")
    }

    private mutating func take(_ letter: Unicode.Scalar) throws(JSONSyntaxError) {
        skipSpace()
        guard current == UInt8(ascii: letter) else { throw JSONSyntaxError(offset: index, reason: "\(letter) is missing") }
        index += 1
        skipSpace()
    }

    private var current: UInt8? { index < end ? text[index] : nil }

    private mutating func skipSpace() {
        while let byte = current, Self.isSpace(byte) { index += 1 }
    }

    fileprivate static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}

/// One member of an object: its name, and its value's text, which is not known to be JSON before it is read.
package struct JSONMember: ~Escapable {
    package let name: String
    private let text: Span<UInt8>
    private let range: Range<Int>
    private let depth: Int

    @_lifetime(copy text)
    fileprivate init(name: String, text: Span<UInt8>, range: Range<Int>, depth: Int) {
        (self.name, self.text, self.range, self.depth) = (name, text, range, depth)
    }

    /// How many bytes the value takes in the text.
    package var byteCount: Int { range.count }

    /// The value, whole; its size in memory is some thirty times that of its text.
    package func value() throws(JSONSyntaxError) -> JSONValue {
        do { return try JSONValue(parsing: text.extracting(range), depth: depth) } catch {
            var error = error
            error.offset += range.lowerBound
            throw error
        }
    }

    /// The string that the value is; nil where it is something else.
    package func string() throws(JSONSyntaxError) -> String? {
        guard let start = range.first, text[start] == UInt8(ascii: "\"") else { return nil }
        let end = try JSONString.end(from: start, in: text)
        for index in end + 1..<range.upperBound where !JSONMembers.isSpace(text[index]) {
            throw JSONSyntaxError(offset: index, reason: "something follows the string")
        }
        return String(decoding: JSONString.decoded(start + 1..<end, in: text), as: UTF8.self)
    }

    /// The value's own members; nil where it is no object.
    @_lifetime(copy self)
    package func members() -> JSONMembers? { JSONMembers(in: range, of: text, depth: depth) }
}
