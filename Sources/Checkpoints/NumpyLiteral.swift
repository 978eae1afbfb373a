/// The Python literal in a NumPy header, of which only what NumPy writes is understood: a dictionary of strings, truth values and tuples of
/// natural numbers.
struct NumpyLiteral {
    enum Value { case string(String), boolean(Bool), integers([Int]) }

    struct Refusal: Error {
        var kind = "npy-header"
        let reason: String
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The whole literal: its members in their order.
    mutating func dictionary() throws(Refusal) -> [(name: String, value: Value)] {
        var members: [(name: String, value: Value)] = []
        try expect("{")
        while !take("}") {
            let name = try string()
            try expect(":")
            members.append((name, try value()))
            if !take(",") {
                try expect("}")
                break
            }
        }
        guard rest.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }) else {
            throw Refusal(reason: "goes on after its end")
        }
        return members
    }

    private mutating func value() throws(Refusal) -> Value {
        if take("True") { return .boolean(true) }
        if take("False") { return .boolean(false) }
        if take("[") { throw Refusal(kind: "unsupported-dtype", reason: "describes elements of several fields; integers are expected") }
        guard take("(") else { return .string(try string()) }
        var numbers: [Int] = []
        while !take(")") {
            numbers.append(try natural())
            if !take(",") {
                // One number in parentheses without a comma is a number, not a tuple.
                guard numbers.count > 1 else { throw Refusal(reason: "has a shape that is no tuple") }
                try expect(")")
                break
            }
        }
        return .integers(numbers)
    }

    /// A string without escapes.
    private mutating func string() throws(Refusal) -> String {
        skipSpaces()
        guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
            let end = rest.dropFirst().firstIndex(of: quote)
        else { throw Refusal(reason: "has something else where a string is expected") }
        let text = rest[rest.startIndex + 1..<end]
        guard text.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) else {
            throw Refusal(reason: "has a string with other than plain characters")
        }
        rest = rest[(end + 1)...]
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func natural() throws(Refusal) -> Int {
        skipSpaces()
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
            throw Refusal(reason: "has something else where a natural number is expected")
        }
        rest = rest.dropFirst(digits.count)
        return number
    }

    private mutating func expect(_ token: String) throws(Refusal) {
        guard take(token) else { throw Refusal(reason: "lacks a \"\(token)\"") }
    }

    private mutating func take(_ token: String) -> Bool {
        skipSpaces()
        guard rest.starts(with: token.utf8) else { return false }
        rest = rest.dropFirst(token.utf8.count)
        return true
    }

    private mutating func skipSpaces() { rest = rest.drop { $0 == UInt8(ascii: " ") } }
}
