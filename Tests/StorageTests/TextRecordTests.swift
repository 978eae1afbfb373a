import Storage
import SystemPackage
import TestSupport
import Testing

struct TextRecordTests {
    private func read(_ text: String, name: String = "records.jsonl", _ format: TextFormat = TextFormat()) throws -> [TextRecord] {
        try read(Array(text.utf8), name: name, format)
    }

    private func read(_ bytes: [UInt8], name: String = "records.jsonl", _ format: TextFormat = TextFormat()) throws -> [TextRecord] {
        var records: [TextRecord] = []
        try withScratchDirectory { directory in
            try write(bytes, to: directory.appending(name))
            records = try TextRecords.read(directory.appending(name), format: format)
        }
        return records
    }

    private func error(_ bytes: some Sequence<UInt8>, name: String = "records.jsonl") throws -> TextRecordError {
        try #require(throws: TextRecordError.self) { try read(Array(bytes), name: name) }
    }

    /// Files that are read record by record give what they give as a whole, and fail where they fail.
    @Test func readsRecordByRecord() throws {
        var lines = TextFormat()
        lines.split = .lines
        let good: [(String, String, TextFormat)] = [
            ("\u{FEFF}{\"text\": \"a\"}\r\n\n{\"prompt\": \"b\", \"completion\": \"c\"}", "r.jsonl", TextFormat()),
            ("\u{FEFF}one\r\n \t\n\ntwo\n", "r.txt", lines), ("one\n\ntwo\n", "r.txt", TextFormat()),
        ]
        for (text, name, format) in good {
            let expected = try read(text, name: name, format)
            try withScratchDirectory { directory in
                try write(Array(text.utf8), to: directory.appending(name))
                var found: [TextRecord] = []
                try TextRecords.forEach(directory.appending(name), format: format) { found.append($0) }
                #expect(found == expected)
            }
        }
        for bytes in [Array("\n \n".utf8), Array("{\"text\": \"a\"}\n".utf8) + [0xFF], Array("{\"text\": \"a\"}\n{".utf8)] {
            let expected = try error(bytes)
            try withScratchDirectory { directory in
                try write(bytes, to: directory.appending("records.jsonl"))
                let found = try #require(throws: TextRecordError.self) {
                    try TextRecords.forEach(directory.appending("records.jsonl")) { _ in }
                }
                #expect(found.kind == expected.kind)
            }
        }
    }

    // MARK: JSON lines

    @Test func readsTokenSpans() throws {
        let text = #"{"text": "one two", "token_spans": [[0, 1], [1, 3]]}"#
        #expect(try read(text) == [.part(of: .text("one two"), tokens: [0..<1, 1..<3])])
        for spans in ["[]", "[[0]]", "[[0, 1, 2]]", "[[1, 1]]", "[[-1, 2]]", "[[0, 2], [1, 3]]", "[[0, 1.5]]", "7", "[7]"] {
            let found = try error(Array(#"{"text": "one", "token_spans": \#(spans)}"#.utf8))
            #expect(found.kind == "bad-spans", "\(spans)")
        }
    }

    @Test func readsTextsAndCompletions() throws {
        let text = """
            {"text": "one"}
            {"prompt": "two ", "completion": "three", "id": 7}
            {"completion": "four", "prompt": ""}
            """
        #expect(
            try read(text) == [.text("one"), .completion(prompt: "two ", completion: "three"), .completion(prompt: "", completion: "four")])
    }

    @Test func passesOverLineEndsBlankLinesAndAByteOrderMark() throws {
        #expect(try read("\u{FEFF}{\"text\": \"a\"}\r\n\r\n \t\n{\"text\": \"b\"}\r\n\n") == [.text("a"), .text("b")])
    }

    @Test func takesOtherFieldNames() throws {
        var format = TextFormat()
        format.promptField = "question"
        format.completionField = "answer"
        let line = #"{"question":"On 08\/09\/1956?","answer":"Yes.","paraphrased_answer":"Indeed.","perturbed_answer":["No."]}"#
        #expect(try read(line, name: "forget01.json", format) == [.completion(prompt: "On 08/09/1956?", completion: "Yes.")])
        format.textField = "answer"
        #expect(try read(#"{"answer":"Yes."}"#, format) == [.text("Yes.")])
    }

    @Test func aTextWithOneOtherFieldIsAText() throws {
        #expect(try read(#"{"text": "a", "completion": "b"}"#) == [.text("a")])
        #expect(try read(#"{"prompt": "b", "text": "a"}"#) == [.text("a")])
    }

    @Test func keepsWhatStringsHold() throws {
        #expect(try read(#"{"text": "a\nb\u0000\ud83d\ude00  "}"#) == [.text("a\nb\0😀  ")])
    }

    @Test func namesTheLineThatIsNotJSON() throws {
        guard case .notJSON(let place, _) = try error("{\"text\": \"a\"}\r\n\n{\"text\": ".utf8) else { throw Unexpected() }
        #expect(place.line == 3)
        guard case .notJSON = try error("{\"text\": \"a\"} {}".utf8) else { throw Unexpected() }
        guard case .notJSON = try error("{\"text\": 'a'}".utf8) else { throw Unexpected() }
    }

    @Test(arguments: [("[]", "an array"), ("3", "a number"), ("\"a\"", "a string")])
    func refusesWhatIsNoObject(_ line: String, _ found: String) throws {
        guard case .notAnObject(let place, found) = try error("{\"text\": \"a\"}\n\(line)".utf8) else { throw Unexpected() }
        #expect(place.line == 2)
    }

    @Test(arguments: ["{}", #"{"Text": "a"}"#, #"{"prompt": "a"}"#, #"{"completion": "a"}"#])
    func refusesAnObjectWithoutItsFields(_ line: String) throws {
        guard case .missingFields(let place, let expected, _) = try error(line.utf8) else { throw Unexpected() }
        #expect(place.line == 1)
        #expect(expected == #""text", or "prompt" and "completion""#)
    }

    @Test func refusesAnObjectThatIsBoth() throws {
        guard case .ambiguousFields = try error(#"{"text": "a", "prompt": "b", "completion": "c"}"#.utf8) else { throw Unexpected() }
    }

    @Test(arguments: [
        (#"{"text": 1}"#, "text", "a number"), (#"{"text": null}"#, "text", "null"),
        (#"{"prompt": ["a"], "completion": "b"}"#, "prompt", "an array"),
        (#"{"prompt": "a", "completion": {}}"#, "completion", "an object"),
    ])
    func refusesAFieldThatIsNoString(_ line: String, _ field: String, _ found: String) throws {
        guard case .notAString(_, field, found) = try error(line.utf8) else { throw Unexpected() }
    }

    @Test(arguments: [(#"{"text": ""}"#, "text"), (#"{"prompt": "a", "completion": ""}"#, "completion")])
    func refusesWhatHasNothingToScore(_ line: String, _ field: String) throws {
        guard case .emptyField(_, field) = try error(line.utf8) else { throw Unexpected() }
    }

    @Test func messagesSayWhereAndWhat() throws {
        let place = LinePlace(path: "a.jsonl", line: 4)
        #expect(
            TextRecordError.missingFields(place, expected: #""text""#, found: ["t\u{1B}"]).description
                == #"a.jsonl, line 4 should have "text", and has "t\u001b". Name other fields by --text-field, --prompt-field and --completion-field."#
        )
        #expect(
            TextRecordError.notAString(place, field: "text", found: "null").description
                == #"a.jsonl, line 4: "text" should be a string, and is null."#)
    }

    // MARK: Plain text

    @Test func aPlainTextIsOneRecord() throws {
        #expect(try read(" a\r\n\n", name: "a.TXT") == [.text(" a\r\n\n")])
    }

    @Test func linesAreRecords() throws {
        var format = TextFormat()
        format.split = .lines
        #expect(try read("\u{FEFF}a\r\n \t\r\n\n b \nc", name: "a.txt", format) == [.text("a"), .text(" b "), .text("c")])
    }

    @Test func paragraphsAreRecords() throws {
        var format = TextFormat()
        format.split = .paragraphs
        #expect(try read("\n\na\r\nb\r\n\t\r\nc\n\n\nd\ne\n", name: "a.txt", format) == [.text("a\r\nb"), .text("c"), .text("d\ne")])
    }

    // MARK: Files

    @Test(arguments: [("a.jsonl", ""), ("a.json", "\n\r\n  "), ("a.txt", ""), ("a.txt", "\u{FEFF}")])
    func refusesAFileWithoutRecords(_ name: String, _ text: String) throws {
        guard case .noRecords = try error(text.utf8, name: name) else { throw Unexpected() }
    }

    @Test(arguments: ["a.jsonl", "a.txt"], [[UInt8(0xFF)], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]])
    func refusesWhatIsNotUTF8(_ name: String, _ bytes: [UInt8]) throws {
        guard case .notUTF8(_, line: 3) = try error(Array("{\"text\": \"a\"}\n\n\"".utf8) + bytes + Array("\"\n".utf8), name: name) else {
            throw Unexpected()
        }
    }

    @Test(arguments: ["a.safetensors", "a.npy.gz", "a.csv", "a.csv.gz", "a.gz", "a", ".jsonl"])
    func refusesOtherKindsOfFile(_ name: String) throws {
        let error = try error("a".utf8, name: name)
        guard case .unsupported = error else { throw Unexpected() }
        #expect(error.fault == .unsupported)
    }

    @Test func readsCompressedTexts() throws {
        #expect(try read(gzip(Array("{\"text\": \"a\"}".utf8)), name: "a.jsonl.gz") == [.text("a")])
        #expect(try read(zstandard(Array("a\n".utf8)), name: "a.TXT.ZST") == [.text("a\n")])
        guard case .file(.compressed) = try error("a".utf8, name: "a.txt.gz") else { throw Unexpected() }
    }

    @Test func handsOnWhatTheFileSystemSays() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("a.txt")
            let missing = try #require(throws: TextRecordError.self) { try TextRecords.read(path) }
            guard case .file(.missing) = missing else { throw Unexpected() }
            #expect(missing.fault == .missingInput)
            try write(Array("four".utf8), to: path)
            let large = try #require(throws: TextRecordError.self) { try TextRecords.read(path, limit: 3) }
            guard case .file(.tooLarge) = large else { throw Unexpected() }
            #expect(try TextRecords.read(path, limit: 4) == [.text("four")])
        }
    }
}
