import Checkpoints
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct EditHistoryTests {
    private func history(_ text: String?) throws -> EditHistory {
        try withScratchDirectory { directory in
            if let text { try write(Array(text.utf8), to: directory.appending(EditHistory.fileName)) }
            return try EditHistory(of: FileTree(directory: directory))
        }
    }

    private static let edit = #"{"method":"m","base_content_digest":"a","content_digest":"b"}"#

    @Test func aModelWithoutOneHasNoEdits() throws { #expect(try history(nil).edits.isEmpty) }

    /// What is written is read again, one edit more.
    @Test func editsAreAdded() throws {
        var before = try history(#"{"edits":[\#(Self.edit)]}"#)
        before.add(try JSONValue(parsing: Array(Self.edit.utf8).span))
        let after = try history(String(decoding: before.bytes, as: UTF8.self))
        #expect(after.edits.count == 2)
        #expect(after.edits[1]["content_digest"]?.string == "b")
        let line = after.line(ofNext: "fisher-targeted", base: SHA256Hasher.digest(of: []))
        #expect(line.name == "excise.edits" && line.value.hasPrefix("3, the last by fisher-targeted of e3b0c442"))
    }

    @Test(arguments: ["[]", "{}", #"{"edits":{}}"#, #"{"edits":[1]}"#, #"{"edits":[{"method":"m"}]}"#, "{"])
    func malformedOnesAreRefused(text: String) throws {
        #expect(throws: (any Error).self) { try history(text) }
    }
}
