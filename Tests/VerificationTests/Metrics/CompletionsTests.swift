import Storage
import TestSupport
import Testing
import Verification

struct CompletionsTests {
    private func completion(_ truth: [Int32], _ written: [Int32]) -> Completion {
        Completion(truth: truth, written: written, rouge: RougeL(truth: "", other: ""))
    }

    @Test func isExactWhereAllOfTheTruthIsWritten() {
        #expect(completion([1, 2], [1, 2, 3]).isExact && completion([1, 2], [1, 2]).isExact)
        #expect(!completion([1, 2], [1]).isExact && !completion([1, 2], [2, 1]).isExact && !completion([], [1]).isExact)
    }

    /// Of the runs of four tokens, those that had come before.
    @Test(
        arguments: [
            ([1, 2, 3], 0), ([1, 2, 3, 4], 0), ([7, 7, 7, 7, 7], 0.5), ([1, 2, 1, 2, 1, 2, 1], 0.5), ([7, 7, 7, 7, 7, 7, 7], 0.75),
        ] as [([Int32], Double)])
    func repetitionIsTheShareOfRunsThatCameBefore(_ written: [Int32], _ share: Double) {
        #expect(completion([1], written).repetition == share)
    }

    @Test func tasksBeginWithThePromptOrHalfTheRecord() throws {
        let encoder = try PicoTokenizer.encoder(context: 12)
        var text = encoder.textEncoder()
        let prompted = try #require(try CompletionTask(.completion(prompt: "ab", completion: "cde"), encoder, &text, count: 2))
        #expect(prompted.prompt == [1, 10, 11] && prompted.truth == [12, 13])
        let half = try #require(try CompletionTask(.text("abcd"), encoder, &text, count: 8))
        #expect(half.prompt == [1, 10, 11] && half.truth == [12, 13])
        // Room is left for what is to be written.
        let long = try #require(try CompletionTask(.tokens(Array(repeating: 5, count: 40)), encoder, &text, count: 4))
        #expect(long.prompt == Array(repeating: 5, count: 8) && long.truth == [5, 5, 5, 5])
        #expect(try PicoTokenizer.encoder(prefix: .none).startsNothing)
    }
}

extension RecordEncoder {
    /// Without a prefix there is nothing to complete a record of one token from.
    fileprivate var startsNothing: Bool {
        get throws {
            var text = textEncoder()
            return try CompletionTask(.text("a"), self, &text, count: 1) == nil
        }
    }
}
