import Storage
import Testing
import Verification

struct WrittenTextTests {
    @Test func figuresAreTheReferences() throws {
        for each in try #require(VerificationFixture.json("written").array) {
            let tokens = try #require(each["tokens"]?.array).map { try $0.numbers().map { Int32($0) } }
            let written = WrittenText(tokens: tokens, texts: try #require(each["texts"]?.array).map { try #require($0.string) })
            for length in 1...3 { #expect(written.distinct(length) == each["distinct_\(length)"]?.number) }
            #expect(abs(written.longestRepeat - (try #require(each["longest_repeat"]?.number))) < 1e-12)
            #expect(written.nonText == each["non_text"]?.number)
            #expect(written.compression == each["compression"]?.number)
        }
    }

    @Test func nothingWrittenIsNoText() {
        let written = WrittenText(tokens: [[], []], texts: ["", ""])
        #expect(written.distinct(1) == nil && written.longestRepeat == 0 && written.nonText == 0 && written.compression == 0)
    }
}
