import Storage
import Testing

@Suite struct SurrogatePairsTests {
    /// Every character beyond U+FFFF survives being escaped, also those whose low half json-c takes for half a pair.
    @Test(arguments: [UInt32(0x10000), 0x1D804, 0x1DFFF, 0x1F600, 0x2D800, 0x10FFFF])
    func pairsAreTheirCharacters(value: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(value))
        let escaped = String(scalar).utf16.map { "\\u" + String($0, radix: 16) }.joined()
        let document = try JSONValue(parsing: Array("{\"a\(escaped)\": \"x\(escaped)\(escaped)y\"}".utf8).span)
        #expect(document.object?.members[0].name == "a\(scalar)")
        #expect(document.object?.members[0].value.string == "x\(scalar)\(scalar)y")
    }

    /// An escaped backslash is not the start of an escape.
    @Test func backslashesStay() throws {
        let document = try JSONValue(parsing: Array(#"["\\ud836\\udc04", "\ud836\udc04\\ud836"]"#.utf8).span)
        #expect(document.array?[0].string == #"\ud836\udc04"#)
        #expect(document.array?[1].string == "\u{1D804}\\ud836")
    }
}
