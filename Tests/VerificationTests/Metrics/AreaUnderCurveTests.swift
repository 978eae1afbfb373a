import Storage
import Testing
import Verification

/// Against scikit-learn's ROC curves, and SciPy's roots of Newcombe's equation.
struct AreaUnderCurveTests {
    @Test func areasAndRatesAreScikitLearns() throws {
        for curve in try #require(try VerificationFixture.json("membership")["curves"]?.array) {
            let (members, others) = (try #require(curve["members"]).numbers(), try #require(curve["others"]).numbers())
            let area = AreaUnderCurve(members: members, others: others)
            for (found, name) in [
                (area.value, "auc"), (area.truePositiveRate(atFalsePositiveRate: 0.01), "tpr_1"),
                (area.truePositiveRate(atFalsePositiveRate: 0.05), "tpr_5"), (area.interval?.low ?? -1, "low"),
                (area.interval?.high ?? -1, "high"),
            ] {
                let expected = try #require(curve[name]?.number)
                // The roots are found to some 1e-9 from both sides; the rest is counting.
                #expect(abs(found - expected) < (name.hasPrefix("tpr") || name == "auc" ? 1e-12 : 1e-6), "\(name)")
            }
        }
    }

    /// Members that were pushed away are as far from 0.5 as members that are known, on the other side: never folded.
    @Test func hasASign() {
        let (known, pushed) = (AreaUnderCurve(members: [3, 4], others: [1, 2]), AreaUnderCurve(members: [1, 2], others: [3, 4]))
        #expect(known.value == 1 && pushed.value == 0)
    }

    @Test func isNoNumberWhereAScoreIsNone() {
        for area in [
            AreaUnderCurve(members: [], others: [1]), AreaUnderCurve(members: [1], others: []),
            AreaUnderCurve(members: [.nan], others: [1]),
        ] {
            #expect(area.value.isNaN && area.interval == nil && area.truePositiveRate(atFalsePositiveRate: 0.05).isNaN)
        }
    }
}
