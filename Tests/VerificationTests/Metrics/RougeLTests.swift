import Storage
import Testing
import Verification

struct RougeLTests {
    @Test func isRougeScores() throws {
        for one in try #require(try VerificationFixture.json("rouge").array) {
            let (truth, other) = (try #require(one["truth"]?.string), try #require(one["other"]?.string))
            let rouge = RougeL(truth: truth, other: other)
            for (found, name) in [(rouge.recall, "recall"), (rouge.precision, "precision"), (rouge.f1, "f1")] {
                let expected = try #require(one[name]?.number)
                #expect(abs(found - expected) < 1e-12, "\(name) of \(truth)")
            }
        }
    }
}
