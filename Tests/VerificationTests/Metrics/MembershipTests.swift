import Storage
import Testing
import Verification

struct MembershipTests {
    /// NumPy's means of the lowest values, and Python's zlib.
    @Test func attacksScoreAsTheirPapersSay() throws {
        for one in try #require(try VerificationFixture.json("membership")["records"]?.array) {
            var record = RecordScore()
            record.losses = try #require(one["losses"]).numbers().map { Float($0) }
            record.standardized = try #require(one["standardized"]).numbers().map { Float($0) }
            record.tokens = record.losses.count
            record.nll = record.losses.reduce(0.0) { $0 + Double($1) }
            var reference = RecordScore()
            (reference.tokens, reference.nll) = (1, try #require(one["reference"]?.number))
            let size = ZlibCompression.size(of: Array(try #require(one["text"]?.string).utf8))
            #expect(size == one["zlib_size"]?.integer)
            for attack in MembershipAttack.allCases {
                let found = try #require(attack.score(record, compressedSize: size, reference: reference))
                let expected = try #require(one["scores"]?[attack.rawValue]?.number)
                #expect(abs(found - expected) < 1e-6 * max(1, abs(expected)), "\(attack)")
            }
            #expect(MembershipAttack.zlib.score(record, compressedSize: nil, reference: reference) == nil)
            #expect(MembershipAttack.reference.score(record, compressedSize: size, reference: nil) == nil)
        }
    }

    private func text(_ losses: [Double]) -> TextScore {
        TextScore(
            records: losses.map { loss in
                var record = RecordScore()
                (record.tokens, record.nll, record.losses, record.standardized) = (2, 2 * loss, [Float(loss), Float(loss)], [0, 0])
                return record
            })
    }

    private func inference(edited: [Double], retrained: [Double]?) -> MembershipInference {
        var members = TextComparison(base: text([0.1, 0.2, 0.3]), edited: text(edited), seed: 1)
        var others = TextComparison(base: text([4, 5, 6]), edited: text([4, 5, 6]), seed: 1)
        members.retrained = retrained.map(text)
        if retrained != nil { others.retrained = text([4, 5, 6]) }
        return MembershipInference(
            members: members, memberSizes: [9, 9, 9], others: others, otherSizes: [9, 9, nil], references: nil)
    }

    @Test func everyModelHasItsArea() {
        let inference = inference(edited: [4.5, 5.5, 3.5], retrained: [9, 9, 9])
        #expect(inference.area(.loss, .base)?.value == 1)
        #expect(inference.area(.loss, .edited)?.value == 6.0 / 9)
        // A model that is worse on the members than on others is not one that knows them.
        #expect(inference.area(.loss, .retrained)?.value == 0)
        #expect(inference.area(.reference, .base) == nil)
        #expect(inference.area(.zlib, .base) == nil, "a record of token ids has no text")
    }

    /// MUSE's: about -100 of a model that forgot nothing, 0 of one like the retrained, above 0 of one that overdid it.
    @Test func leakageHasItsSign() throws {
        let natural = [4.5, 5.5, 3.5]
        let kept = inference(edited: [0.1, 0.2, 0.3], retrained: natural).privacyLeakage
        #expect(kept.retrained == -100 && kept.approximate == -100)
        let forgot = inference(edited: natural, retrained: natural).privacyLeakage
        #expect(forgot.retrained == 0)
        let overdone = inference(edited: [9, 9, 9], retrained: natural).privacyLeakage
        #expect(try #require(overdone.retrained) > 100 && #require(overdone.approximate) == 100)
        #expect(inference(edited: natural, retrained: nil).privacyLeakage.retrained == nil)
    }
}
