import Testing
import Verification

struct OnionEffectTests {
    @Test func theMostExposedComesFirst() {
        let onion = OnionEffect(.exposure, base: [3, 1, 0, 5], edited: [2, 4, 1, 4])
        #expect(onion.records.map(\.index) == [3, 1, 0, 2])
        #expect(onion.records.map(\.rise) == [-1, 3, -1, 1])
        #expect(onion.laidBare == 2)
        #expect(OnionEffect(.extractionStrength, base: [0, 0.5], edited: [0.125, 0.5]).laidBare == 1)
    }
}
