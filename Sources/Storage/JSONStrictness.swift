/// Looks for what json-c 0.16 lets pass even where it is asked to be strict: it keeps the last of several members with one
/// name, cuts names at U+0000, takes control characters and halves of surrogate pairs in strings, NaN, and numbers such as
/// `-01`, `1.` and `-0`, and clamps whole numbers to 64 bits.
enum JSONStrictness {
    /// Throws where a document means different things to different readers.
    ///
    /// - Parameter bytes: a document that json-c has taken; so its brackets match, and a string before a colon is a name.
    static func check(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        do { _ = try UTF8Span(validating: bytes) } catch {
            throw JSONSyntaxError(offset: error.byteOffsets.lowerBound, reason: "the text is not UTF-8")
        }
        // The names of every object that is open; an array's stay none.
        var names: [Set<JSONName>] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                names.append(Set(minimumCapacity: bytes[index] == UInt8(ascii: "{") ? 3 : 0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                names.removeLast()
            case UInt8(ascii: "'"):
                throw JSONSyntaxError(offset: index, reason: "a string is not in double quotes")
            case UInt8(ascii: "\""):
                let start = index
                index = try JSONString.end(from: start, in: bytes)
                if isName(before: index + 1, in: bytes) {
                    let name = JSONName(bytes: JSONString.decoded(start + 1..<index, in: bytes))
                    guard !name.bytes.contains(0) else {
                        throw JSONSyntaxError(offset: start, reason: "a name holds the character U+0000")
                    }
                    guard names[names.count - 1].insert(name).inserted else { throw name.repeated(at: start) }
                }
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: " "), 0x09, 0x0A, 0x0D:
                break
            default:
                let start = index
                while index + 1 < bytes.count, isWithinScalar(bytes[index + 1]) { index += 1 }
                try checkScalar(start..<index + 1, in: bytes)
            }
            index += 1
        }
    }

    private static func isWithinScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// A literal, or a number as RFC 8259 has it that keeps its value.
    private static func checkScalar(_ range: Range<Int>, in bytes: Span<UInt8>) throws(JSONSyntaxError) {
        func text() -> String { String(decoding: range.map { bytes[$0] }, as: UTF8.self) }
        var index = range.lowerBound
        func digits() -> Int {
            let start = index
            while index < range.upperBound, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] { index += 1 }
            return index - start
        }
        func take(_ letters: Unicode.Scalar...) -> Bool {
            guard index < range.upperBound, letters.contains(Unicode.Scalar(bytes[index])) else { return false }
            index += 1
            return true
        }
        let isNegative = take("-")
        let first = index < range.upperBound ? bytes[index] : 0
        let whole = digits()
        var isNumber = whole == 1 || (whole > 1 && first != UInt8(ascii: "0"))
        let isWhole = index == range.upperBound
        if isNumber, take(".") { isNumber = digits() > 0 }
        if isNumber, take("e", "E") {
            _ = take("+", "-")
            isNumber = digits() > 0
        }
        guard isNumber, index == range.upperBound else {
            if ["true", "false", "null"].contains(text()) { return }
            throw JSONSyntaxError(offset: range.lowerBound, reason: "\(text().prefix(64)) is neither a number nor true, false or null")
        }
        guard isWhole, whole > 18 || (isNegative && first == UInt8(ascii: "0")) else { return }
        guard !(isNegative && first == UInt8(ascii: "0")), Int(text()) != nil else {
            throw JSONSyntaxError(
                offset: range.lowerBound, reason: "the whole number \(text().prefix(64)) does not fit into 64 bits, or is a negative zero")
        }
    }

    /// Whether a colon comes next.
    private static func isName(before index: Int, in bytes: Span<UInt8>) -> Bool {
        var index = index
        while index < bytes.count, bytes[index] <= UInt8(ascii: " ") { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: ":")
    }
}
