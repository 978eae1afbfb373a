import Foundation
import SystemPackage
import Tensors
import Testing
import Transformer

/// What is kept comes back as it was, from memory and from a scratch file.
@Suite(.serialized) struct KeptMatrixTests {
    private let rows = 11
    private let columns = 5

    private func kept(_ values: [Float], isInFile: Bool) throws -> KeptMatrix {
        let kept = KeptMatrix(rows: rows, columns: columns, in: isInFile ? FilePath(NSTemporaryDirectory()) : nil)
        let matrix = Matrix(values, columns: columns)
        for part in [7..<11, 0..<3, 3..<7] { try kept.store(matrix.rows(part), at: part.lowerBound) }
        return kept
    }

    @Test(arguments: [false, true])
    func rowsComeBack(isInFile: Bool) throws {
        var random = SeededGenerator(seed: 1)
        let values = [Float].random(rows * columns, &random)
        let kept = try kept(values, isInFile: isInFile)
        for range in [0..<rows, 4..<9, 10..<11, 3..<3] {
            var target = Matrix(rows: rows, columns: columns)
            try kept.load(range, into: &target)
            #expect([Float](target.rows(0..<range.count)) == Array(values[range.lowerBound * columns..<range.upperBound * columns]))
        }
    }

    @Test(arguments: [false, true])
    func partsAreRead(isInFile: Bool) throws {
        var random = SeededGenerator(seed: 2)
        let values = [Float].random(rows * columns, &random)
        let kept = try kept(values, isInFile: isInFile)
        for (range, some) in [(0..<rows, 0..<columns), (2..<6, 1..<3), (0..<rows, 4..<5), (5..<5, 0..<2)] {
            var got: [Float] = []
            try kept.read(range, columns: some) { view in
                #expect(view.rows == range.count && view.columns == some.count)
                for row in 0..<view.rows { for column in 0..<view.columns { got.append(view.row(row)[column]) } }
            }
            #expect(got == range.flatMap { row in some.map { values[row * columns + $0] } })
        }
    }

    /// What was never stored reads as zeros.
    @Test(arguments: [false, true])
    func itBeginsAsZeros(isInFile: Bool) throws {
        let kept = KeptMatrix(rows: 2, columns: 3, in: isInFile ? FilePath(NSTemporaryDirectory()) : nil)
        try kept.read { view in
            let isZero = (0..<2).allSatisfy { row in (0..<3).allSatisfy { view.row(row)[$0] == 0 } }
            #expect(isZero)
        }
    }
}
