import Storage
import Tensors
import Testing
import Verification

struct IntegerRoundingTests {
    /// torch's, bit for bit: the same Float operations in the same order.
    @Test(arguments: IntegerRounding.names)
    func roundsAsTorch(_ name: String) throws {
        let reference = try VerificationFixture.json("rounding")
        let weight = try #require(reference["weight"]?.array).map { try $0.numbers().map { Float($0) } }
        let expected = try #require(reference["cases"]?[name])
        let steps = try #require(expected["steps"]?.array).map { try $0.numbers().map { Float($0) } }
        let levels = try #require(expected["levels"]?.array).map { try $0.numbers().map { Float($0) } }
        let rounding = try #require(IntegerRounding(name: name))
        let size = rounding.groupSize ?? weight[0].count
        let rounded = weight.indices.map { row in weight[row].indices.map { steps[row][$0 / size] * levels[row][$0] } }

        var rows = Matrix(rows: weight.count, columns: weight[0].count)
        var columns = Matrix(rows: weight[0].count, columns: weight.count)
        for (row, values) in weight.enumerated() {
            for (column, value) in values.enumerated() {
                var elements = rows.mutableElements
                elements[row * values.count + column] = value
                var turned = columns.mutableElements
                turned[column * weight.count + row] = value
            }
        }
        var view = rows.mutableView
        rounding.round(&view, isInputByOutput: false)
        var turned = columns.mutableView
        rounding.round(&turned, isInputByOutput: true)
        var (wrong, wrongTurned) = (0, 0)
        for (row, values) in rounded.enumerated() {
            for (column, value) in values.enumerated() {
                wrong += rows.elements[row * values.count + column] == value ? 0 : 1
                wrongTurned += columns.elements[column * weight.count + row] == value ? 0 : 1
            }
        }
        #expect(wrong == 0 && wrongTurned == 0)
    }

    @Test func namesAreReadAndWritten() {
        #expect(IntegerRounding.names.allSatisfy { IntegerRounding(name: $0)?.name == $0 })
        #expect(["", "int", "int3", "int8_", "int8_64", "int4_32_1", "INT8"].allSatisfy { IntegerRounding(name: $0) == nil })
    }
}
