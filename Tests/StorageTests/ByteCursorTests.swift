import Storage
import Testing

struct ByteCursorTests {
    @Test func readsFrontToBack() {
        var cursor = ByteCursor([9, 1, 2, 3, 4], at: 1)
        #expect(cursor.natural(2) == 0x0201)
        #expect(cursor.take(1) == [3])
        #expect(cursor.take(0) == [])
        #expect(cursor.remaining == 1)
    }

    @Test func staysWhereTheBytesEnd() {
        var cursor = ByteCursor([1, 2, 3])
        #expect(cursor.natural(4) == nil)
        #expect(cursor.take(4) == nil)
        #expect(cursor.take(-1) == nil)
        #expect(cursor.position == 0)
        #expect(cursor.natural(3) == 0x03_0201)
        #expect(cursor.natural(1) == nil)
    }

    @Test func refusesWhatNoIntHolds() {
        var cursor = ByteCursor([UInt8](repeating: 0xFF, count: 8))
        #expect(cursor.natural(8) == nil)
        #expect(cursor.position == 0)
        cursor = ByteCursor([UInt8](repeating: 0xFF, count: 7) + [0x7F])
        #expect(cursor.natural(8) == .max)
    }
}
