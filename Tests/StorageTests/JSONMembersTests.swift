import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct JSONMembersTests {
    private struct Missing: Error {}

    /// The members as texts, as name: value; nil where the text is no object.
    private func members(_ text: [UInt8], depth: Int = 64) throws -> [String]? {
        guard var members = try JSONMembers(of: text.span, depth: depth) else { return nil }
        var result: [String] = []
        while let member = try members.next() { result.append("\(member.name): \(try member.value().serialized())") }
        let more = try members.next() != nil
        #expect(!more)
        return result
    }

    private func members(_ text: String, depth: Int = 64) throws -> [String]? { try members(Array(text.utf8), depth: depth) }

    private func error(_ text: [UInt8]) throws -> JSONSyntaxError { try #require(throws: JSONSyntaxError.self) { try members(text) } }

    private func error(_ text: String) throws -> JSONSyntaxError { try error(Array(text.utf8)) }

    @Test(arguments: [
        ("{}", []), (" \n{ } \t", []), (#"{"a":1}"#, ["a: 1"]),
        (#" { "b" : [ 1 , {"x":[2]} ] , "a":null } "#, [#"b: [1,{"x":[2]}]"#, "a: null"]),
        (#"{"":"","}":"{[,","\"":"\\"}"#, [#": """#, #"}: "{[,""#, #"": "\\""#]),
        (#"{"\u0061\n\ud83d\ude00":"\ud834\udc04"}"#, ["a\n😀: \"\u{1D004}\""]),
        (#"{"\u0000":-1.5e2,"é":true}"#, ["\0: -150.0", "é: true"]), (#"{"a":{"a":{"a":1}}}"#, [#"a: {"a":{"a":1}}"#]),
    ])
    func readsMembers(_ text: String, _ expected: [String]) throws { #expect(try members(text) == expected) }

    @Test(arguments: ["", " ", "[]", "null", "1", #""{}""#, "\u{FEFF}{}", "}", "// \n{}"])
    func knowsWhatIsNoObject(_ text: String) throws { #expect(try members(text) == nil) }

    /// Between the members and within them.
    @Test(arguments: [
        "{", #"{"a"#, #"{"a""#, #"{"a":"#, #"{"a":1"#, #"{"a":1,"#, #"{"a":1,}"#, "{,}", #"{,"a":1}"#, #"{"a":1,,"b":2}"#,
        #"{"a":1 "b":2}"#, #"{"a" 1}"#, #"{"a"::1}"#,
        #"{"a":}"#, #"{"a": ,"b":1}"#, "{a:1}", "{'a':1}", "{1:1}", "{}{}", "{} x", "{}\0", "{}}", #"{"a":1}]"#, #"{"a":]}"#, #"{"a":[}]}"#,
        #"{"a":{]}"#, #"{"a":[1}"#,
        #"{"a":]["b":1}"#, #"{"a":1 2}"#, #"{"a":{}{}}"#, #"{"a":"b""c"}"#, #"{"a":nul}"#, #"{"a":01}"#, #"{"a":NaN}"#, #"{"a":1/**/}"#,
        #"{/**/"a":1}"#, #"{"a":'b'}"#,
        #"{"a":"\x"}"#, #"{"\x":1}"#, #"{"\ud800":1}"#, #"{"a":"\udc00"}"#, "{\"a\u{1}\":1}", "{\"a\":\"\n\"}", "{\u{A0}\"a\":1}",
        #"{"a":{"b\u0000":1}}"#, #"{"a":\u0031}"#,
        #"{"a\"#, #"{"a\u"#, #"{"a\ud83d\u"#, #"{"a":"\"#,
    ])
    func refusesWhatIsNotJSON(_ text: String) throws { #expect(try error(text).repeatedName == nil) }

    @Test(arguments: [[0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0xC3]] as [[UInt8]])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) throws {
        #expect(try error(Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)).offset == 6)
        #expect(try error(bytes + Array("[]".utf8)).offset == 0)
    }

    @Test(arguments: [
        (#"{"a":1,"a":1}"#, "a", 7), (#"{"a":1,"b":{},"\u0061":[]}"#, "a", 14), (#"{"":1,"":2}"#, "", 6),
        (#"{"😀":1 , "\uD83D\ude00" : 2}"#, "😀", 12),
        (#"{"x":1,"a":{"b":1,"b":2}}"#, "b", 18),
    ])
    func refusesRepeatedNames(_ text: String, _ name: String, _ offset: Int) throws {
        let error = try error(text)
        #expect(error.repeatedName == name)
        #expect(error.offset == offset)
    }

    @Test func tellsNamesApartByTheirBytes() throws {
        #expect(try members("{\"\u{E9}\":1,\"e\u{301}\":2,\"E\":3}")?.count == 3)
    }

    @Test func countsDepthAsAWholeDocumentDoes() throws {
        for text in [#"{"a":{"b":[1]}}"#, #"{"a":{"b":[[1]]}}"#, #"{"a":[[[]]]}"#, #"{"a":[[[[]]]]}"#, #"{"a":1}"#] {
            let bytes = Array(text.utf8)
            for depth in 2...6 {
                let whole = (try? JSONValue(parsing: bytes.span, depth: depth)) != nil
                #expect(whole == ((try? members(text, depth: depth)) != nil), "\(text) \(depth)")
            }
        }
    }

    @Test func readsMembersOfMembers() throws {
        let text = Array(#"{"x":0,"a":{"b":"é\n","c":[1],"b":2}}"#.utf8)
        guard var members = try JSONMembers(of: text.span), try members.next() != nil, let member = try members.next(),
            var inner = member.members(), let first = try inner.next(), let second = try inner.next()
        else { throw Missing() }
        let (size, string, none, isObject) = (member.byteCount, try first.string(), try second.string(), second.members() != nil)
        #expect(size == 26)
        #expect(string == "é\n")
        #expect(none == nil)
        #expect(!isObject)
        do {
            _ = try inner.next()
            throw Missing()
        } catch let error as JSONSyntaxError {
            #expect(error.repeatedName == "b")
            #expect(error.offset == text.count - 7)
        }
    }

    /// In time and in memory; among names that differ little.
    @Test func readsManyMembers() throws {
        let text = Array(("{" + (0..<100_000).map { "\"name \($0)\":\($0)" }.joined(separator: ",") + "}").utf8)
        guard var members = try JSONMembers(of: text.span) else { throw Missing() }
        var count = 0
        while let member = try members.next() { count += member.name.hasPrefix("name ") ? 1 : 0 }
        #expect(count == 100_000)
    }
}
