import Testing
import Verification

struct MemorizationTests {
    private func record(_ matches: String) -> RecordScore {
        var record = RecordScore()
        record.isArgmax = matches.map { $0 == "1" }
        record.tokens = matches.count
        record.greedyMatches = matches.count { $0 == "1" }
        return record
    }

    /// The share of the record that is recited once the beginning before it is given.
    @Test(
        arguments: [
            ("1111", 1), ("0111", 0.75), ("1011", 0.5), ("0001", 0.25), ("1110", 0), ("0000", 0), ("1", 1), ("0", 0),
        ] as [(String, Double)])
    func extractionIsTheRecitedEnd(_ matches: String, _ strength: Double) {
        #expect(record(matches).extractionStrength == strength)
    }

    @Test func nothingHasNoStrength() { #expect(record("").extractionStrength.isNaN) }

    /// Records count alike, however long they are.
    @Test func textsAreMeansOverRecords() {
        let text = TextScore(records: [record("11"), record("00110001")])
        #expect(text.exactMemorization == (1 + 0.375) / 2)
        #expect(text.extractionStrength == (1 + 0.125) / 2)
    }
}
