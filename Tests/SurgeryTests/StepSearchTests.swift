import Surgery
import Testing

/// Line searches over losses that are known functions of the multiple.
@Suite struct StepSearchTests {
    private func search(first: Double, good: ClosedRange<Double>, _ loss: (Double) -> Double) throws -> (found: Double?, sweeps: Int) {
        let search = StepSearch(first: first) { reached in
            reached[0] < good.lowerBound ? .tooLittle : reached[0] > good.upperBound || reached[0].isNaN ? .tooFar : .good
        }
        var sweeps = 0
        let found = try search.refine(search.judge([loss(first)])) { multiples in
            sweeps += 1
            #expect(multiples.count <= 4 && multiples == multiples.sorted())
            return multiples.map { [loss($0)] }
        }
        return (found, sweeps)
    }

    @Test(arguments: [0.01, 1, 7, 300]) func findsWhatIsGood(first: Double) throws {
        let (found, sweeps) = try search(first: first, good: 2.9...3.2) { $0 }
        #expect(try (2.9...3.2).contains(#require(found)))
        #expect(sweeps <= 4)
    }

    /// The largest of what is good is taken: halving goes no further than it must.
    @Test func takesTheLargestThatIsGood() throws {
        #expect(try search(first: 16, good: -1...5) { $0 }.found == 4)
    }

    @Test func nothingIsGoodWhereAllIsTooFar() throws {
        #expect(try search(first: 1, good: -2 ... -1) { $0 }.found == nil)
        #expect(try search(first: 1, good: 1...2) { _ in .nan }.found == nil)
    }

    /// Between too little and too far without anything good, as in a jump: the most of what is too little.
    @Test func staysBelowAJump() throws {
        let found = try search(first: 1, good: 4...5) { $0 < 10 ? 0 : 100 }.found
        #expect(try (8..<10).contains(#require(found)))
    }
}
