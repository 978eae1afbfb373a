import Testing
import Verification

/// The bootstrap, through the comparison that uses it.
struct PairedBootstrapTests {
    private func score(_ nlls: [Double], tokens: [Int]? = nil) -> TextScore {
        MadeScore.text(nlls.indices.map { (tokens?[$0] ?? 10, nlls[$0], 0) })
    }

    /// As many records a little better as a little worse.
    private let base = (0..<40).map { 20 + Double($0 % 7) }
    private var edited: [Double] { base.indices.map { base[$0] + ($0 % 2 == 0 ? 0.5 : -0.5) } }

    @Test func containsTheRatioOfSymmetricNoise() throws {
        let comparison = TextComparison(base: score(base), edited: score(edited), seed: 1)
        let interval = try #require(comparison.interval)
        #expect(abs(comparison.ratio - 1) < 1e-12)
        #expect(interval.low < 1 && 1 < interval.high)
        // The mean of 40 differences of 0.05 a token has a standard deviation of 0.0079: about two of them on each side.
        #expect(abs(interval.low - 0.9845) < 0.004 && abs(interval.high - 1.0157) < 0.004)
    }

    @Test func isTheSameForTheSameSeed() throws {
        let spread = base.indices.map { base[$0] + Double($0) / 64 }
        func interval(_ seed: UInt64) throws -> [Double] {
            let interval = try #require(TextComparison(base: score(base), edited: score(spread), seed: seed).interval)
            return [interval.low, interval.high]
        }
        #expect(try interval(7) == interval(7))
        #expect(try interval(7) != interval(8))
    }

    @Test func hasNoIntervalForOneRecord() throws {
        let one = TextComparison(base: score([20]), edited: score([30]), seed: 1)
        #expect(one.interval == nil)
        #expect(abs(one.ratio.logarithm - 1) < 1e-12)
        #expect(TextComparison(base: score([20, 20]), edited: score([30, 30]), seed: 1).interval != nil)
    }

    /// Records are resampled with both models' scores: what all records share has no spread.
    @Test func isPaired() throws {
        let comparison = TextComparison(base: score(base), edited: score(base.map { $0 + 1 }), seed: 3)
        let interval = try #require(comparison.interval)
        #expect(abs(comparison.ratio.logarithm - 0.1) < 1e-12)
        #expect(abs(interval.low.logarithm - 0.1) < 1e-12 && abs(interval.high.logarithm - 0.1) < 1e-12)
    }

    /// Every token counts alike, whatever record it is in.
    @Test func weighsRecordsByTheirTokens() throws {
        let tokens = [90, 10]
        let comparison = TextComparison(base: score([90, 10], tokens: tokens), edited: score([90, 20], tokens: tokens), seed: 5)
        #expect(abs(comparison.ratio.logarithm - 0.1) < 1e-12)
        // A resample has the long record twice, both, or the short one twice.
        let interval = try #require(comparison.interval)
        #expect(interval.low == 1 && abs(interval.high.logarithm - 1) < 1e-12)
    }
}
