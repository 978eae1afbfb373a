import Storage
import Testing
import Verification

struct ExtractionLikelihoodTests {
    @Test func overlapsAreTheReferences() throws {
        for each in try #require(VerificationFixture.json("extraction").array) {
            let (written, rest) = (
                try #require(each["written"]).numbers().map { Int32($0) }, try #require(each["rest"]).numbers().map { Int32($0) }
            )
            let overlap = ExtractionLikelihood.overlap(written, rest, length: try #require(each["n"]?.integer))
            #expect(overlap == each["overlap"]?.number)
        }
    }

    @Test func beginningsAreEvenlySpacedAndLeaveEnough() {
        #expect(ExtractionLikelihood.beginnings(of: 10, from: 3, length: 4, most: 100) == [3, 4, 5, 6])
        #expect(ExtractionLikelihood.beginnings(of: 10, from: 3, length: 4, most: 2) == [3, 5])
        #expect(ExtractionLikelihood.beginnings(of: 10, from: 6, length: 4) == [6])
        #expect(ExtractionLikelihood.beginnings(of: 10, from: 7, length: 4).isEmpty)
    }
}
