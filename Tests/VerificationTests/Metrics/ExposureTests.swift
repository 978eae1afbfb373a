import Storage
import Testing
import Verification

struct ExposureTests {
    @Test func ranksAmongCandidates() throws {
        for one in try #require(try VerificationFixture.json("exposure").array) {
            let (loss, bits) = (try #require(one["loss"]?.number), try #require(one["bits"]?.number))
            let exposure = Exposure(loss: loss, candidates: try #require(one["candidates"]).numbers(), isExhaustive: true)
            #expect(abs(exposure.bits - bits) < 1e-12)
            #expect(exposure.method == .exact && exposure.isAtLimit == (one["rank"]?.integer == 1))
        }
    }

    /// A model that tells nothing apart exposes nothing, whatever the order of ties; nor does one whose losses are no numbers.
    @Test func tiesAndNothingAreNoExposure() {
        let tied = Exposure(loss: 2, candidates: [2, 2, 2], isExhaustive: true)
        #expect(tied.bits == 0 && !tied.isAtLimit && tied.extrapolated == nil && tied.fitDistance == nil)
        #expect(Exposure(loss: .nan, candidates: [1, 2, 3], isExhaustive: false).bits == 0)
    }

    /// What no candidate comes near is seen by the tail alone.
    @Test func extrapolatesBeyondTheSample() throws {
        let candidates = (0..<200).map { 20 + 0.06 * Double($0 * 73 % 200 - 100) }
        let (near, far) = (
            Exposure(loss: 10, candidates: candidates, isExhaustive: false), Exposure(loss: 1, candidates: candidates, isExhaustive: false)
        )
        #expect(near.bits == far.bits && near.isAtLimit && far.isAtLimit)
        #expect(try #require(far.extrapolated) > #require(near.extrapolated) + 10)
    }
}
