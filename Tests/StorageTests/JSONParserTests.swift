import Storage
import Testing

struct JSONParserTests {
    private func parse(_ text: String, depth: Int = 64) throws -> JSONValue { try parse(Array(text.utf8), depth: depth) }

    private func parse(_ bytes: [UInt8], depth: Int = 64) throws -> JSONValue { try JSONValue(parsing: bytes.span, depth: depth) }

    private func error(_ bytes: [UInt8]) throws -> JSONSyntaxError { try #require(throws: JSONSyntaxError.self) { try parse(bytes) } }

    private func error(_ text: String) throws -> JSONSyntaxError { try error(Array(text.utf8)) }

    // MARK: What is read

    @Test(arguments: [
        ("12", "12"), ("-7", "-7"), ("0", "0"), ("1234567890123", "1234567890123"), ("2.5", "2.5"), ("1e3", "1000.0"), ("true", "true"),
        ("false", "false"), ("null", "null"), (#""a""#, #""a""#), (" 12 ", "12"), ("\n\t true\r\n", "true"), ("12\n", "12"), ("{}", "{}"),
        (" [ ] ", "[]"),
    ])
    func readsLoneValues(_ text: String, _ value: String) throws {
        #expect(try parse(text).serialized() == value)
    }

    @Test func keepsTheOrderOfMembers() throws {
        let text = #"{"z":1,"a":[true,null,{"é":"x"}],"":{}}"#
        #expect(try parse(text).serialized() == text)
    }

    @Test func undoesEscapes() throws {
        let value = try parse(#"{"\u0061\n":"\ud83d\ude00\u0000\/\\\""}"#)
        #expect(value.object?.members.map(\.name) == ["a\n"])
        #expect(value["a\n"]?.string == "😀\0/\\\"")
    }

    @Test func readsIntegersOf64Bits() throws {
        #expect(try parse("[9223372036854775806]").array?.first?.integer == Int.max - 1)
        #expect(try parse("[-9223372036854775807]").array?.first?.integer == Int.min + 1)
    }

    /// Beyond 64 bits an integer is a fraction: never another integer.
    /// json-c would clamp them.
    @Test(arguments: ["9223372036854775808", "18446744073709551615", "-9223372036854775809", "100000000000000000000", "-0"])
    func refusesWholeNumbersThatDoNotKeepTheirValue(_ text: String) throws {
        #expect(try error("[\(text)]").reason.contains("64 bits"))
    }

    // MARK: What is refused

    @Test(arguments: [
        "", " ", "{", "[1", "[1,]", #"{"a":1,}"#, #"{"a"}"#, #"{"a":}"#, "{a:1}", "[,1]", "[1 2]", "nul", "tru", "True", "-", "+1", "[01]",
        "[.5]", "[1e]", "[0x10]",
        #"["\x"]"#, #"["\u00g0"]"#, #"["a]"#, "// a\n[]", "[]//", "/**/[]", "[nan]", "\u{FEFF}[]", "\u{A0}[]", "\u{B}[]",
    ])
    func refusesWhatIsNotJSON(_ text: String) throws {
        #expect(try error(text).repeatedName == nil)
    }

    @Test(arguments: ["1 2", "12 3", "{}{}", "[] []", "[]x", "true false", "null\0", "{}\0", "[]\0\0", "\"a\"\"b\"", "12]", "[]\u{C}"])
    func refusesWhatFollowsTheDocument(_ text: String) throws {
        #expect(throws: JSONSyntaxError.self) { try parse(text) }
    }

    @Test func countsDepthInObjectsAndArrays() throws {
        func nested(_ depth: Int) -> String { String(repeating: #"{"a":["#, count: depth / 2) + String(repeating: "]}", count: depth / 2) }
        #expect(try parse(nested(62)).object != nil)
        #expect(throws: JSONSyntaxError.self) { try parse(nested(66)) }
        #expect(throws: JSONSyntaxError.self) { try parse(nested(200_000)) }
        #expect(try parse(#"{"a":{"b":[1]}}"#, depth: 4)["a"]?["b"]?.array?.count == 1)
        #expect(throws: JSONSyntaxError.self) { try parse(#"{"a":{"b":[[1]]}}"#, depth: 4) }
    }

    /// A lone continuation byte, an overlong NUL, a surrogate, and what lies beyond Unicode; in a string and alone.
    @Test(
        arguments: [[0x80], [0xC0, 0x80], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0xC3]] as [[UInt8]])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) throws {
        _ = try error([0x5B, 0x22] + bytes + [0x22, 0x5D])
        _ = try error(bytes)
    }

    @Test func refusesSingleQuotes() throws {
        #expect(try error("{'a':1}").offset == 1)
        #expect(try error(#"["a",'b"']"#).offset == 5)
        #expect(try parse(#"["it's"]"#).array?.first?.string == "it's")
    }

    // MARK: Names

    @Test(arguments: [
        (#"{"a":1,"a":1}"#, "a", 7), (#"{"a":1,"b":{"a":2},"a":{}}"#, "a", 19), (#"[{"x":[{"":1,"":2}]}]"#, "", 13),
        (#"{"a":1,"\u0061":2}"#, "a", 7),
        (#"{"é":1,"\u00e9":2}"#, "é", 8), (#"{"😀":1 , "\uD83D\ude00" : 2}"#, "😀", 12), (#"{"a\/b":1,"a/b":2}"#, "a/b", 10),
        (#"{"\\\"":1,"\u005c\u0022":2}"#, "\\\"", 10),
        (#"{"\t\b\f\n\r":1,"\u0009\u0008\u000C\u000a\u000d":2}"#, "\t\u{8}\u{C}\n\r", 16), (#"{"b":"a","a":"b","b":1}"#, "b", 17),
    ])
    func refusesRepeatedNames(_ text: String, _ name: String, _ offset: Int) throws {
        let error = try error(text)
        #expect(error.repeatedName == name)
        #expect(error.offset == offset)
    }

    @Test(arguments: [
        #"{"a":{"a":{"a":1}}}"#, #"[{"a":1},{"a":2}]"#, #"{"a":"a","b":"a"}"#, #"{"a":"b\":1","b":"\"a\":"}"#, #"{"A":1,"a":2}"#,
        #"{"a":["a","a"],"aa":1}"#,
        #"{"\u0061b":1,"a\u0062c":2}"#, #"{"\\u0061":1,"a":2}"#, "{\"\u{E9}\":1,\"e\u{301}\":2}", #"{"":1," ":2}"#,
    ])
    func takesNamesThatDiffer(_ text: String) throws {
        #expect(try ["an object", "an array"].contains(parse(text).kindName))
    }

    @Test func saysWhichNameIsThereTwice() throws {
        #expect(try error("{\"a\\n\":1,\"a\\n\":1}").description == #"not JSON at byte 9: the name "a\n" is there twice"#)
        let long = String(repeating: "x", count: 100_000)
        #expect(try error("{\"\(long)\":1,\"\(long)\":1}").description.utf8.count < 200)
    }

    @Test(arguments: [#"{"a\u0000b":1}"#, #"{"a\u0000b":1,"a\u0000c":2}"#, #"{"\u0000":1}"#, #"[{"x":{"a\\\u0000":1}}]"#])
    func refusesNamesWithNUL(_ text: String) throws {
        let error = try error(text)
        #expect(error.reason == "a name holds the character U+0000")
        #expect(error.repeatedName == nil)
    }

    /// What merely looks like the escape, or stands in a value, is taken.
    @Test func takesNULElsewhere() throws {
        let value = try parse(#"{"a\\u0000":1,"b":"x\u0000y"}"#)
        #expect(value["a\\u0000"]?.integer == 1)
        #expect(value["b"]?.string == "x\0y")
    }

    @Test(arguments: [#"{"\ud800":1}"#, #"{"\udc00":1}"#, #"{"\ud800\u0041":1}"#, #"{"\ud800\ud800\udc00":1}"#, #"{"x\udfff\ud800":1}"#])
    func refusesHalvesOfSurrogatePairsInNames(_ text: String) throws {
        #expect(try error(text).reason == "a string holds half a surrogate pair")
    }

    // MARK: What json-c takes beyond RFC 8259

    @Test(arguments: [
        "[NaN]", "[Infinity]", "[-Infinity]", #"["\ud800"]"#, #"["\udc00x"]"#, "[\"a\u{1}b\"]", "[\"a\nb\"]", "[-01]", "[1.]",
    ])
    func refusesExtensions(_ text: String) {
        #expect(throws: JSONSyntaxError.self) { try parse(text) }
    }

    // MARK: Time

    /// Names are looked up, not compared with one another.
    @Test func isLinearInItsNames() throws {
        let count = 100_000
        let text = "{" + (0..<count).map { "\"name \($0)\":\($0)" }.joined(separator: ",") + "}"
        let clock = ContinuousClock()
        var members = 0
        let time = try clock.measure { members = try parse(text).object?.members.count ?? 0 }
        #expect(members == count)
        #expect(time < .seconds(10))
    }
}
