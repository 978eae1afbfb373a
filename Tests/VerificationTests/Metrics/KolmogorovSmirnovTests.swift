import Storage
import Testing
import Verification

struct KolmogorovSmirnovTests {
    /// SciPy's exact test, down to probabilities of 1e-35: relative to it, since small ones are what counts.
    @Test func isSciPys() throws {
        for one in try #require(try VerificationFixture.json("two-samples").array) {
            let test = try KolmogorovSmirnov(#require(one["first"]).numbers(), #require(one["second"]).numbers())
            let (statistic, probability) = (try #require(one["statistic"]?.number), try #require(one["p_value"]?.number))
            #expect(abs(test.statistic - statistic) < 1e-12)
            #expect(abs(test.probability - probability) <= 1e-9 * probability)
        }
    }

    @Test func theSameIsTheSame() {
        let sample = [1.0, 2, 3, 4]
        let test = KolmogorovSmirnov(sample, sample)
        #expect(test.statistic == 0 && test.probability == 1)
    }

    /// Beyond so many pairs Kolmogorov's distribution stands in: the probability that 1.36 makes 5 % of.
    @Test func isAsymptoticForLargeSamples() {
        let count = 4000
        let first = (0..<count).map(Double.init)
        let shift = 1.3581 * (2.0 / Double(count)).squareRoot() * Double(count)
        let test = KolmogorovSmirnov(first, first.map { $0 + shift.rounded() + 0.5 })
        #expect(abs(test.probability - 0.05) < 0.003)
    }

    @Test func nothingIsNoNumber() {
        #expect(KolmogorovSmirnov([], [1]).probability.isNaN && KolmogorovSmirnov([1], [.nan]).statistic.isNaN)
    }
}
