import Storage
import Testing

struct JSONWriterTests {
    @Test func writesMembersInTheirOrder() {
        let value = JSONValue.members(["b": 1, "a": [true, nil, "x"], "c": .members([:]), "d": []])
        #expect(value.serialized() == #"{"b":1,"a":[true,null,"x"],"c":{},"d":[]}"#)
    }

    @Test func prettyPutsOneMemberALine() {
        let value = JSONValue.members(["a": [1, 2.5], "b": .members(["c": nil]), "d": [], "e": .members([:])])
        let expected = """
            {
              "a": [
                1,
                2.5
              ],
              "b": {
                "c": null
              },
              "d": [],
              "e": {}
            }
            """
        #expect(value.serialized(pretty: true) == expected)
    }

    @Test(arguments: [
        (1.0, "1.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e16, "1e+16"), (.leastNonzeroMagnitude, "5e-324"), (123456789.0, "123456789.0"),
        (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
    ])
    func writesNumbers(_ number: Double, _ text: String) {
        #expect(JSONValue.number(number).serialized() == text)
    }

    @Test func numbersReadBackBitForBit() throws {
        var generator = SystemRandomNumberGenerator()
        var numbers: [Double] = [
            .greatestFiniteMagnitude, .leastNormalMagnitude, .leastNonzeroMagnitude, -0.0, 1e22, 9_007_199_254_740_992,
        ]
        for _ in 0..<2_000 { numbers.append(Double(bitPattern: generator.next())) }
        for number in numbers where number.isFinite {
            let read = try JSONValue(parsing: Array(JSONValue.array([.number(number)]).serialized().utf8).span)
            guard case .number(let again)? = read.array?.first else {
                Issue.record("\(number) came back as \(read.serialized())")
                continue
            }
            #expect(again.bitPattern == number.bitPattern)
        }
    }

    @Test(arguments: [0, -1, 42, Int.min + 1, Int.max - 1])
    func integersReadBack(_ integer: Int) throws {
        let read = try JSONValue(parsing: Array(JSONValue.array([.integer(integer)]).serialized().utf8).span)
        #expect(read.array?.first?.integer == integer)
    }

    @Test func escapesWhatJSONForbids() {
        #expect(
            JSONValue.string("\"\\/\u{8}\t\n\u{C}\r\u{0}\u{1B}\u{7F}é\u{2028}😀").serialized()
                == #""\"\\/\b\t\n\f\r\u0000\u001b\u007fé\#u{2028}😀""#)
    }

    @Test func everyScalarReadsBack() throws {
        let planes: [ClosedRange<UInt32>] = [
            0...0x2FF, 0x2000...0x206F, 0xD7F0...0xD7FF, 0xE000...0xE010, 0xFFF0...0xFFFF, 0x1F600...0x1F610,
        ]
        let text = String(String.UnicodeScalarView(planes.joined().compactMap(Unicode.Scalar.init)))
        for pretty in [false, true] {
            let written = JSONValue.members([text.replacing("\0", with: ""): .string(text)]).serialized(pretty: pretty)
            let member = try #require(try JSONValue(parsing: Array(written.utf8).span).object?.members.first)
            #expect(Array((member.value.string ?? "").utf8) == Array(text.utf8))
        }
    }

    @Test func documentsReadBack() throws {
        let text = #"{"z":[1,[],{"a":null}],"y":{"x":1.5,"w":[false]},"":"v"}"#
        for pretty in [false, true] {
            let value = try JSONValue(parsing: Array(text.utf8).span)
            #expect(try JSONValue(parsing: Array(value.serialized(pretty: pretty).utf8).span).serialized() == text)
        }
    }
}
