import Storage
import Testing
import Verification

struct CanarySpaceTests {
    @Test func variesTheDigitsOfWhatIsScored() throws {
        var random = SplitMix64(seed: 1)
        let space = try #require(CanarySpace(.completion(prompt: "Room 7 is", completion: " 4-2.")))
        #expect(space.digits == 2 && abs(space.bits - 6.643856) < 1e-6)
        let all = space.candidates(atMost: 99, &random)
        let completions = all.map { if case .completion("Room 7 is", let text) = $0 { text } else { "" } }
        #expect(
            Set(completions).count == 99 && !completions.contains(" 4-2.") && completions.contains(" 0-0.") && completions.contains(" 9-9.")
        )
        #expect(space.isEnumerable(atMost: 99) && !space.isEnumerable(atMost: 98))
    }

    @Test func drawsFromALargeSpace() throws {
        func draw(_ seed: UInt64) throws -> [TextRecord] {
            var random = SplitMix64(seed: seed)
            return try #require(CanarySpace(.text("PIN 123456"))).candidates(atMost: 50, &random)
        }
        let drawn = try draw(1)
        #expect(drawn.count == 50 && !drawn.contains(.text("PIN 123456")))
        #expect(drawn.allSatisfy { if case .text(let text) = $0 { text.hasPrefix("PIN ") && text.utf8.count == 10 } else { false } })
        #expect(try drawn == draw(1) && drawn != draw(2))
    }

    /// So many digits that their space has no number.
    @Test func doesNotEnumerateWhatCannotBe() throws {
        let space = try #require(CanarySpace(.text(String(repeating: "1", count: 400))))
        #expect(!space.isEnumerable(atMost: .max) && abs(space.bits - 1328.771) < 0.01)
    }

    @Test func hasNoSpaceWithoutDigits() {
        #expect(CanarySpace(.text("none")) == nil && CanarySpace(.tokens([1, 2])) == nil)
        #expect(CanarySpace(.completion(prompt: "1", completion: "one")) == nil)
        // A digit of another script is no ASCII digit.
        #expect(CanarySpace(.text("٣")) == nil)
    }
}
