import Checkpoints
import Storage
import TestSupport
import Testing
import Transformer
import Verification

struct RelearnedTests {
    /// Every other record is taught, the others are looked at, in the edited and in the retrained model.
    @Test func halfOfTheForgetTextIsTaught() throws {
        let model = try Fixture.model("llama-tied-gqa")
        let encoder = try PicoTokenizer.encoder()
        func text(_ texts: [String]) throws -> VerifiedText { try VerifiedText(texts.map(TextRecord.text), named: "x", encoder) }
        let verification = Verification(
            try Verifier(base: model, edited: model, retrained: model), encoder,
            VerificationTexts(forget: try text(["abc", "de", "fghi", "jkl", "mno"]), retain: try text(["abcdefghijklmnop"])), seed: 1,
            progress: VerificationProgress())
        let lesson = try #require(try verification.lesson())
        #expect(lesson.part.map(\.scoredTokens) == [3, 4, 3])
        var taught: [Int] = []
        let relearned = try verification.relearned(lesson, steps: 3, rate: 0.5) { model, examples in
            taught.append(examples.count)
            return model.checkpoint
        }
        #expect(relearned.tested == 2 && relearned.taught == 3 && taught.count == 4)
        #expect(relearned.edited.before == relearned.base && relearned.edited.afterPart == relearned.base)
        #expect(relearned.retrained?.afterUnrelated == relearned.base)
    }
}
