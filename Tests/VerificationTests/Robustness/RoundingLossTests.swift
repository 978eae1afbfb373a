import Checkpoints
import TestSupport
import Testing
import Verification

struct RoundingLossTests {
    private func comparison(_ base: Double, _ edited: Double) -> TextComparison {
        TextComparison(base: MadeScore.text([(10, 10 * base, 0)]), edited: MadeScore.text([(10, 10 * edited, 0)]), seed: 1)
    }

    private func loss(rounded base: Double, _ edited: Double) throws -> RoundingLoss {
        let model = try Fixture.model("llama-linear")
        let rounding = try #require(IntegerRounding(name: "int4"))
        return RoundingLoss(
            rounding, forget: comparison(0.5, 4.5), rounded: [("forget", comparison(base, edited))],
            change: try ChangeKept(model, Fixture.model("llama-dynamic"), rounding))
    }

    @Test func recoveryIsWhatComesBack() throws {
        #expect(try loss(rounded: 0.5, 4.5).recovery == 0)
        #expect(try loss(rounded: 0.5, 0.5).recovery == 1)
        #expect(try loss(rounded: 0.5, 3.5).recovery == 0.25)
        #expect(try loss(rounded: 2, 4.9).recovery < 0)
        // Rounding that makes both models forget leaves nothing of the edit, though nothing comes back.
        let both = try loss(rounded: 4.5, 4.5)
        #expect(both.recovery == 0 && both.effectKept == 0)
        #expect(try loss(rounded: 1.5, 3.5).effectKept == 0.5)
    }

    @Test func changesAreKept() throws {
        let model = try Fixture.model("llama-linear")
        let (int4, int8) = (try #require(IntegerRounding(name: "int4")), try #require(IntegerRounding(name: "int8")))
        // Other weights altogether: the change is as large as they are and survives.
        let other = try ChangeKept(model, Fixture.model("llama-dynamic"), int8)
        #expect(abs(other.energy - 1) < 0.01 && other.elements > 0.9)
        #expect(try ChangeKept(model, Fixture.model("llama-dynamic"), int4).elements < other.elements)
        let none = try ChangeKept(model, model, int4)
        #expect(none.energy.isNaN && none.elements.isNaN)
    }
}
