import Surgery
import Testing
import Transformer

@Suite struct EditRecordsTests {
    private func examples(_ tokens: Range<Int32>) -> [Example] {
        tokens.map { Example(windows: [Window(inputs: [$0, 99], targets: [99, 98])]) }
    }

    private func tokens(_ examples: [Example]) -> [Int32] { examples.map { $0.windows[0].inputs[0] } }

    /// What is watched is no part of the Fisher; unseen records are held by halves; neighbours are those that share a token.
    @Test func recordsComeOfTexts() {
        #expect(EditRecords.withWatched(8) == 10)
        let records = EditRecords(
            forget: examples(0..<2), keep: [], unseen: examples(10..<20), samples: examples(20..<30), candidates: examples(1..<5),
            neighbours: nil)
        #expect(tokens(records.watched) == [24, 29])
        #expect(tokens(records.retain) == [20, 21, 22, 23, 25, 26, 27, 28])
        // 1 is a record to forget itself; 99 is common to all.
        #expect(tokens(records.held) == [11, 13, 15, 17, 19])
    }

    /// What is held at its own loss would not tell how the rest of the text fares.
    @Test func noNeighbourIsWatched() {
        let samples = examples(20..<30)
        let forget = Example(windows: [Window(inputs: Array(20..<30), targets: Array(21..<31))])
        let candidates = samples + examples(30..<31)
        let records = EditRecords(forget: [forget], keep: [], unseen: [], samples: samples, candidates: candidates, neighbours: 10)
        #expect(tokens(records.watched) == [24, 29])
        #expect(tokens(records.held) == [20, 21, 22, 23, 25, 26, 27, 28])
    }

    /// What is given with what is to become of its loss would not tell either; where the retain text has nothing else, it is watched all the same.
    @Test func nothingThatIsNamedIsWatched() {
        let samples = examples(20..<40)
        func watched(_ count: Int) -> [Int32] {
            let named = examples(20..<20 + Int32(count))
            let (forget, keep, unseen) = (Array(named.prefix(5)), Array(named.dropFirst(5).prefix(5)), Array(named.dropFirst(10)))
            let records = EditRecords(
                forget: forget, keep: keep, unseen: unseen, samples: samples, candidates: [], neighbours: 0)
            #expect(records.retain.count + (count < 20 ? records.watched.count : 0) == samples.count)
            return tokens(records.watched)
        }
        #expect(watched(1) == [24, 29, 34, 39])
        #expect(watched(5) == [29, 34, 39])
        #expect(watched(10) == [34, 39])
        #expect(watched(15) == [39])
        #expect(watched(20) == Array(20..<36))
    }

    @Test func fewSamplesAreWatchedAndUsed() {
        let records = EditRecords(
            forget: [Example(windows: [Window(inputs: Array(20..<30), targets: Array(21..<31))])], keep: [], unseen: [],
            samples: examples(20..<23), candidates: examples(20..<26), neighbours: 4)
        #expect(tokens(records.retain) == [20, 21, 22] && tokens(records.watched) == [20, 21, 22])
        #expect(tokens(records.held) == [23, 24, 25])
    }
}
