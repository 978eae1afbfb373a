import Surgery
import Testing
import Transformer

@Suite struct ResemblanceTests {
    private func example(_ tokens: [Int32]) -> Example {
        Example(windows: [Window(inputs: tokens, targets: tokens)])
    }

    /// By hand: of four candidates two share the rare token 9 with what is looked for, one of them less else besides.
    @Test func rareTokensCountMost() {
        let candidates = [[1, 2, 3], [9, 1, 2, 4, 5, 6], [9, 7], [1, 2, 8]].map { example($0) }
        let resemblance = Resemblance(candidates)
        #expect(resemblance.closest(1, to: [example([9, 30, 1])]) == [2])
        #expect(resemblance.closest(2, to: [example([9, 30, 1])]) == [1, 2])
        #expect(resemblance.closest(9, to: [example([9, 30])]) == [1, 2])
    }

    /// Each example's closest comes before another's second.
    @Test func examplesTakeTurns() {
        let candidates = [[9, 1], [9, 2], [8, 3, 1], [8, 4, 2, 1]].map { example($0) }
        let found = Resemblance(candidates).closest(2, to: [example([9, 40]), example([8, 40])])
        #expect(found == [0, 2] || found == [1, 2])
    }

    @Test func theSameTextIsNoNeighbour() {
        let candidates = [[5, 6, 7], [5, 6, 8], [1, 2, 3]].map { example($0) }
        #expect(Resemblance(candidates).closest(3, to: [example([5, 6, 7])]) == [1])
    }

    @Test func nothingResemblesNothing() {
        #expect(Resemblance([]).closest(3, to: [example([1])]).isEmpty)
        #expect(Resemblance([example([2, 3])]).closest(3, to: [example([1])]).isEmpty)
    }
}
