import Checkpoints
import Storage
import Surgery
import SystemPackage
import TestSupport
import Testing
import Transformer

struct ParameterSelectionTests {
    @Test(arguments: [
        ("model.norm.weight", "model.norm.weight", true), ("*", "", true), ("", "", true), ("", "a", false), ("a?c", "abc", true),
        ("a?c", "ac", false), ("*.mlp.*", "model.layers.0.mlp.up_proj.weight", true), ("*.mlp", "model.layers.0.mlp.x", false),
        ("model.layers.1.*", "model.layers.10.x", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("**a", "ba", true),
    ])
    func matches(_ pattern: String, _ name: String, _ expected: Bool) { #expect(Glob(pattern).matches(name) == expected) }

    private func names(_ included: [String], _ excluded: [String] = [], _ roles: [ParameterRole] = []) throws -> [String] {
        var selection = ParameterSelection()
        (selection.included, selection.excluded) = (
            included.map(ParameterSelection.Pattern.init), excluded.map(ParameterSelection.Pattern.init)
        )
        selection.roles = roles
        return try selection.names(of: Fixture.model("llama-tied-gqa"))
    }

    @Test func selectsByPattern() throws {
        let all = try Fixture.model("llama-tied-gqa").layout.parameters
        #expect(try names([]) == all)
        #expect(try names(["*.mlp.*"]) == all.filter { $0.contains(".mlp.") })
        #expect(try names([], ["*norm*", "*embed*"]) == all.filter { !$0.contains("norm") && !$0.contains("embed") })
        #expect(try names(["*.layers.0.*", "*.layers.1.*"], ["*.self_attn.*"]).allSatisfy { !$0.contains("self_attn") })
    }

    /// Roles and layers tell the parameters apart without a remainder; a number is a layer, and a range from 0.
    @Test func selectsByRoleAndLayer() throws {
        let all = try Fixture.model("llama-tied-gqa").layout.parameters
        #expect(try names([], [], [.feedForward]) == all.filter { $0.contains(".mlp.") })
        #expect(try names(["1"], [], [.attention]) == all.filter { $0.contains("layers.1.self_attn") })
        #expect(try names(["0-1"]) == all.filter { $0.contains(".layers.") })
        #expect(try names([], ["0-1"]) == all.filter { !$0.contains(".layers.") })
        #expect(Set(try ParameterRole.allCases.flatMap { try names([], [], [$0]) }) == Set(all))
        #expect(try ParameterRole.allCases.reduce(0) { try $0 + names([], [], [$1]).count } == all.count)
        #expect(throws: SurgeryError.self) { try names(["7-9"]) }
        #expect(throws: SurgeryError.self) { try names(["1-0"]) }
    }

    @Test(arguments: [(["*.mpl.*"], [], "unmatched-pattern"), (["*"], ["nothing"], "unmatched-pattern"), ([], ["*"], "nothing-selected")])
    func refusesPatternsThatSayNothing(_ included: [String], _ excluded: [String], _ kind: String) throws {
        let error = try #require(throws: SurgeryError.self) { try names(included, excluded) }
        #expect(error.kind == kind)
        #expect(error.fault == .usage)
    }

    /// What may not change does not, whatever the method, and the edit still does what it is asked to.
    @Test(arguments: EditRecipe.Method.allCases)
    func nothingElseChanges(method: EditRecipe.Method) throws {
        let pico = try PicoExamples()
        let records = EditRecords(
            forget: Array(pico.examples[0..<2]), keep: Array(pico.examples[2..<4]), retain: Array(pico.examples[4...]))
        let target = (pico.losses[0] + pico.losses[1]) / 2 + 0.3
        var recipe = EditRecipe(
            method: method, curvature: EditRecipe.defaultCurvature(method), strength: .automatic, damping: 0.01, rounds: 24, target: target)
        recipe.selection.included = [.name(Glob("*.mlp.*"))]
        // Gradient ascent spares nothing: what is looked at here is where it goes, not what it costs.
        recipe.retainBound = 1
        let outcome = try EditPlan(pico.model, recipe, records, budget: .standard, scratch: FilePath("/tmp")).run()
        for name in pico.model.layout.parameters { #expect(outcome.change.contains(name) == name.contains(".mlp.")) }
        #expect(outcome.ending == .targetReached)
    }

    /// Only rows that matter most to the records to forget change, so many that they hold a tenth of the numbers at most, and the edit still
    /// does what it is asked to. Which rows: the mean square of their part of the mean gradient, from whole gradients.
    @Test(arguments: [CurvatureKind.diagonal, .identity, .woodbury(.layer)])
    func onlySalientRowsChange(curvature: CurvatureKind) throws {
        let pico = try PicoExamples()
        let records = EditRecords(
            forget: Array(pico.examples[0..<2]), keep: Array(pico.examples[2..<4]), retain: Array(pico.examples[4...]))
        var recipe = EditRecipe(
            method: .targetedRemoval, curvature: curvature, strength: .automatic, damping: 0.01, rounds: 40,
            target: (pico.losses[0] + pico.losses[1]) / 2 + 0.3)
        (recipe.salience, recipe.retainBound) = (0.1, 1)
        let outcome = try EditPlan(pico.model, recipe, records, budget: .standard, scratch: FilePath("/tmp")).run()
        #expect(outcome.ending == .targetReached)

        var (all, changed) = (0, 0)
        var (least, most) = (Double.infinity, 0.0)
        for name in pico.model.layout.parameters {
            let change = try pico.read(outcome.change, name)
            let shape = try #require(pico.model.checkpoint.tensor(named: name)?.shape)
            let columns = shape.count == 2 ? shape[1] : 1
            let gradient = zip(pico.rows(name)[0], pico.rows(name)[1]).map { ($0 + $1) / 2 }
            all += change.count
            for row in 0..<shape[0] {
                let entries = row * columns..<(row + 1) * columns
                let saliency = gradient[entries].reduce(0) { $0 + $1 * $1 } / Double(columns)
                if change[entries].contains(where: { $0 != 0 }) {
                    changed += columns
                    least = min(least, saliency)
                } else {
                    most = max(most, saliency)
                }
            }
            #expect(outcome.parameters.contains(name) || change.allSatisfy { $0 == 0 })
        }
        #expect(changed > 0 && changed <= all / 10)
        #expect(outcome.entries >= changed && outcome.entries <= all / 10)
        // Float sums rank rows that are as good as equal either way.
        #expect(least >= most * (1 - 1e-4))
    }
}
