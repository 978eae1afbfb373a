internal import Checkpoints
package import Storage

/// Records that were not to be forgotten, before and after: taking away what a model knows best can lay bare what lay beneath (Carlini et
/// al. 2022, the privacy onion effect).
package struct OnionEffect: Sendable {
    /// What is measured of every record: how far its digits stand out, in bits; where one has no digits, the share of it, from its end, that
    /// can be drawn out.
    package enum Measure: String, Sendable {
        case exposure
        case extractionStrength = "extraction_strength"

        /// From which rise on a record counts as laid bare: half as many candidates are likelier; a tenth more can be drawn out.
        var notable: Double { self == .exposure ? 1 : 0.1 }
    }

    /// One record.
    package struct Record: Sendable {
        /// Its place in the file, from 0.
        package let index: Int
        package let base: Double
        package let edited: Double
        package var rise: Double { edited - base }
    }

    package let measure: Measure
    /// The most exposed first, as they are after the edit.
    package let records: [Record]

    package init(_ measure: Measure, base: [Double], edited: [Double]) {
        self.measure = measure
        let records = zip(base, edited).enumerated().map { Record(index: $0.offset, base: $0.element.0, edited: $0.element.1) }
        self.records = records.sorted { ($1.edited, $1.base, $0.index) < ($0.edited, $0.base, $1.index) }
    }

    /// Records that were laid bare.
    package var laidBare: Int { records.count { $0.rise >= measure.notable } }

    var json: JSONValue {
        func summary(_ values: [Double]) -> JSONValue {
            .members(["mean": .number(values.reduce(0, +) / Double(values.count)), "max": .number(values.max() ?? .nan)])
        }
        return .members([
            "measure": .string(measure.rawValue), "records": .integer(records.count), "base": summary(records.map(\.base)),
            "edited": summary(records.map(\.edited)), "largest_rise": .number(records.map(\.rise).max() ?? .nan),
            "laid_bare": .integer(laidBare),
            "ranked": .array(
                records.map { record in
                    .members([
                        "index": .integer(record.index), "base": .number(record.base), "edited": .number(record.edited),
                        "rise": .number(record.rise),
                    ])
                }),
        ])
    }
}

extension Verification {
    /// How exposed records are that were not to be forgotten. A record with digits in what is scored is ranked among others of its form, `most`
    /// of them; unless all have digits, all are told by how much of them can be drawn out.
    package func onion(of records: [TextRecord], named name: String, candidates most: Int) throws -> OnionEffect {
        if records.allSatisfy({ CanarySpace($0) != nil }) {
            let canaries = try exposures(of: records, named: name, candidates: most).canaries
            return OnionEffect(.exposure, base: canaries.map(\.base.bits), edited: canaries.map(\.edited.bits))
        }
        let examples = try encoder.examples(records, named: name)
        let strengths = try [verifier.base, verifier.edited].map { model in
            progress.begin("scoring \(name) with \(model.path)")
            return try verifier.scorer(model).score(examples, progress: progress.advance).records.map(\.extractionStrength)
        }
        return OnionEffect(.extractionStrength, base: strengths[0], edited: strengths[1])
    }
}
