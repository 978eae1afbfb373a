import Comparison
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// SciPy's distances and moments (Tests/Fixtures/make_diff_fixtures.py).
@Suite struct DistributionTests {
    private static let directory = Fixture.directory.appending("diff")

    private func compared(_ change: (inout ComparisonNeeds) -> Void) throws -> CheckpointComparison {
        var needs = ComparisonNeeds()
        change(&needs)
        let (old, new) = (Self.directory.appending("before.safetensors"), Self.directory.appending("after.safetensors"))
        return try comparison(old, new, needs)
    }

    /// Of BF16 and F16 every value has its bin: the distances are exact but for the rounding of sums in Double. Of F32, values are
    /// within 2^-11 of their bin's, and a share of `resolution` may be in one.
    @Test func distancesAndMomentsAreThoseOfSciPy() throws {
        let found = try compared { $0.distributions = true }
        var seen = 0
        for (name, numbers) in try InputFile.json(Self.directory.appending("expected.json")).object?.members ?? [] {
            guard let expected = numbers["distribution"], found[name]?.status == .changed else { continue }
            let distribution = try #require(found[name]?.distribution)
            let (ks, earth) = (expected["ks"]?.number ?? -1, expected["wasserstein"]?.number ?? -1)
            let isExact = !name.contains("F32")
            #expect(isExact == (distribution.resolution == 0), "\(name)")
            #expect(agree(distribution.kolmogorovSmirnov, ks, relative: 1e-12, absolute: 1e-12 + distribution.resolution), "\(name)")
            let scale = expected["scale"]?.number ?? 0
            #expect(agree(distribution.wasserstein, earth, relative: 1e-9, absolute: isExact ? 1e-12 * scale : scale / 2048), "\(name)")
            for (key, moments) in [("before", distribution.before), ("after", distribution.after), ("difference", distribution.difference)]
            {
                // Differences of F32 are rounded to Float.
                let slack = key == "difference" ? 1e-5 : 1e-10
                if let kurtosis = expected[key]?["kurtosis"]?.number {
                    #expect(agree(moments.kurtosis, kurtosis, relative: slack, absolute: slack), "\(name) \(key)")
                }
                if let deviation = expected[key]?["standard_deviation"]?.number {
                    #expect(agree(moments.standardDeviation, deviation, relative: slack), "\(name) \(key)")
                }
            }
            seen += 1
        }
        #expect(seen > 15)
    }

    /// NumPy's singular values in Double; ours are of differences in Float and a Gram matrix in Double, which loses what is below 1e-8
    /// of the largest.
    @Test func spectraAreThoseOfNumPy() throws {
        let found = try compared { $0.spectra = true }
        var seen = 0
        for (name, numbers) in try InputFile.json(Self.directory.appending("expected.json")).object?.members ?? [] {
            guard let expected = numbers["spectrum"] else { continue }
            let spectrum = try #require(found[name]?.spectra?.difference)
            let values = expected["singular_values"]?.array?.compactMap(\.number) ?? []
            #expect(spectrum.singularValues.count == values.count && !values.isEmpty)
            #expect(
                zip(spectrum.singularValues, values).allSatisfy { agree($0, $1, relative: 1e-5, absolute: 1e-6 * values[0]) }, "\(name)")
            #expect(agree(spectrum.stableRank, expected["stable_rank"]?.number ?? 0, relative: 1e-5), "\(name)")
            #expect(agree(spectrum.effectiveRank, expected["effective_rank"]?.number ?? 0, relative: 1e-4), "\(name)")
            seen += 1
        }
        #expect(seen >= 6)
    }

    /// Wider than what is computed whole: a difference of three known singular values and a floor of noise.
    @Test func wideMatricesAreProjected() throws {
        let (rows, columns) = (1100, 1200)
        let random = CounterRandom(seed: 3, name: "wide")
        var new = (0..<rows * columns).map { Float(random.normal($0)) * 1e-6 }
        // Columns of a Hadamard-like pattern are orthogonal: s = strength * sqrt(rows * columns).
        for (index, strength) in [Float(4e-3), 2e-3, 1e-3].enumerated() {
            for row in 0..<rows - rows % 8 {
                for column in 0..<columns {
                    let sign = ((row >> index) & 1) ^ ((column >> index) & 1) == 0 ? strength : -strength
                    new[row * columns + column] += sign
                }
            }
        }
        let old = [Float](repeating: 0, count: new.count)
        var needs = ComparisonNeeds()
        needs.spectra = true
        let (a, b) = ([MadeTensor("w", old, shape: [rows, columns])], [MadeTensor("w", new, shape: [rows, columns])])
        let spectrum = try #require(try comparison(a, b, needs).tensors[0].spectra?.difference)
        let size = Double((rows - rows % 8) * columns).squareRoot()
        for (found, strength) in zip(spectrum.singularValues, [4e-3, 2e-3, 1e-3]) {
            #expect(agree(found, strength * size, relative: 1e-4))
        }
        // The noise: the largest of its singular values is 1e-6 (sqrt(rows) + sqrt(columns)).
        #expect(spectrum.singularValues[3] < 8e-5 && spectrum.effectiveRank == nil && spectrum.side == rows)
        needs.memory = 1 << 20
        let refused = try comparison(a, b, needs).tensors[0].spectra
        #expect(refused?.difference == nil && refused?.remark?.contains("--memory") == true)
    }

    /// The reference is a search of all starts in NumPy, as Clauset and others' own `plfit` does it.
    @Test func powerLawsAreThoseOfTheReference() throws {
        let cases = try InputFile.json(Self.directory.appending("tails.json")).object?.members ?? []
        #expect(cases.count >= 3)
        for (name, expected) in cases {
            let numbers = expected["numbers"]?.array?.compactMap(\.number) ?? []
            let tail = try #require(PowerLawTail(numbers, seed: 0, name: name))
            #expect(agree(tail.alpha, expected["alpha"]?.number ?? 0, relative: 1e-9), "\(name)")
            #expect(
                agree(tail.start, expected["start"]?.number ?? 0, relative: 1e-12) && tail.count == expected["count"]?.integer, "\(name)")
            #expect(agree(tail.distance, expected["distance"]?.number ?? 0, relative: 1e-9), "\(name)")
            #expect(tail.isFitted == expected["fitted"]?.boolean, "\(name): \(tail.goodness)")
        }
        #expect(PowerLawTail([1, 2, 3], seed: 0, name: "few") == nil)
        #expect(PowerLawTail([Double](repeating: 2, count: 50), seed: 0, name: "same") == nil)
    }

    /// The package `powerlaw` (Tests/Fixtures/make_power_laws.py). Its distance looks at one side of each step of the numbers' own
    /// distribution, so it is smaller by up to one step, and now and then the nearest tail another; the exponents of the two are then within
    /// one standard error, (alpha - 1) / sqrt(count). Where the tail is the same, all is.
    @Test func powerLawsAreThoseOfThePackage() throws {
        let cases = try InputFile.json(Self.directory.appending("power-laws.json")).object?.members ?? []
        var same = 0
        for (name, expected) in cases {
            let tail = try #require(PowerLawTail(expected["numbers"]?.array?.compactMap(\.number) ?? [], seed: 0, name: name))
            let (alpha, distance) = (expected["alpha"]?.number ?? 0, expected["distance"]?.number ?? 0)
            let count = Double(expected["count"]?.integer ?? 0)
            if agree(tail.start, expected["start"]?.number ?? 0, relative: 1e-12) {
                #expect(agree(tail.alpha, alpha, relative: 1e-9) && Double(tail.count) == count, "\(name): \(tail.alpha)")
                #expect(tail.distance >= distance - 1e-12 && tail.distance <= distance + 1 / count, "\(name): \(tail.distance)")
                same += 1
            } else {
                #expect(agree(tail.alpha, alpha, relative: 0, absolute: (alpha - 1) / count.squareRoot()), "\(name): \(tail.alpha)")
            }
            #expect(expected["law"]?.boolean == false || tail.isFitted, "\(name): \(tail.goodness)")
        }
        #expect(cases.count == 8 && same >= 6)
    }
}
