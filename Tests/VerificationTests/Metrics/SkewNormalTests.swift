import Storage
import Testing
import Verification

struct SkewNormalTests {
    /// mpmath's with 40 digits. Simpson's rule over 2000 steps is right to some 1e-9; asked for is 1e-6 of the logarithm, or of 1.
    @Test func logarithmsAreRightFarIntoTheTail() throws {
        for row in try #require(try VerificationFixture.json("skew-normal")["log_cumulative"]?.array) {
            let numbers = try row.numbers()
            let found = SkewNormal(location: numbers[0], scale: numbers[1], shape: numbers[2]).logCumulative(numbers[3])
            #expect(abs(found - numbers[4]) <= 1e-6 * max(1, abs(numbers[4])), "\(numbers)")
        }
    }

    @Test func infinitiesAreTheEnds() {
        let normal = SkewNormal(location: 1, scale: 2, shape: 3)
        #expect(normal.logCumulative(.infinity) == 0 && normal.logCumulative(-.infinity) == -.infinity)
        #expect(normal.logCumulative(.nan).isNaN)
    }

    /// Its mean, variance and skewness are the sample's (checked with SciPy where the fixture is made).
    @Test func fitsByMoments() throws {
        for fit in try #require(try VerificationFixture.json("skew-normal")["fits"]?.array) {
            let sample = try #require(fit["sample"]).numbers()
            let found = try #require(SkewNormal(momentsOf: sample))
            for (value, name) in [(found.location, "location"), (found.scale, "scale"), (found.shape, "shape")] {
                let expected = try #require(fit[name]?.number)
                #expect(abs(value - expected) < 1e-9 * max(1, abs(expected)), "\(name)")
            }
            let exposure = Exposure(loss: sample[0], candidates: sample, isExhaustive: false)
            let (distance, expected) = (try #require(exposure.fitDistance), try #require(fit["distance"]?.number))
            #expect(abs(distance - expected) < 1e-6)
        }
    }

    @Test func hasNoFitWithoutSpread() {
        #expect(SkewNormal(momentsOf: [3, 3, 3]) == nil)
        #expect(SkewNormal(momentsOf: [1, .infinity]) == nil)
    }
}
