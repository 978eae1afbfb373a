import Foundation
import Storage
import SystemPackage
import Tensors
import Testing
import Transformer

/// What is kept comes back as it was, from memory and from a scratch file.
@Suite struct KeptRowsTests {
    @Test(arguments: [false, true])
    func everySlotComesBackWholeAndInParts(isInFile: Bool) throws {
        let (slots, rows, columns) = (3, 11, 5)
        var random = SeededGenerator(seed: 1)
        let stored = (0..<slots).map { _ in [Float].random(rows * columns, &random) }
        var kept = KeptRows(
            slots: slots, rows: rows, columns: columns, scratch: isInFile ? try ScratchFile(in: FilePath(NSTemporaryDirectory())) : nil)
        for slot in [1, 0, 2] { try kept.store(Matrix(stored[slot], columns: columns), inSlot: slot) }
        for slot in 0..<slots {
            for range in [0..<rows, 4..<9, 10..<11] {
                var target = Matrix(rows: rows, columns: columns)
                try kept.load(slot: slot, rows: range, into: &target)
                #expect(
                    [Float](target.rows(0..<range.count)) == Array(stored[slot][range.lowerBound * columns..<range.upperBound * columns]))
            }
        }
    }
}
