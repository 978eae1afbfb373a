package import Checkpoints
internal import Storage
package import SystemPackage
internal import Tensors
internal import Transformer

/// One number for every parameter of a model that is edited, in a scratch file: an edit's step, its sum so far, a diagonal Fisher.
///
/// All zeros at first. Numbers are read and written a piece at a time; nothing the size of the model is held in memory.
package final class ParameterStore: Sendable {
    private let file: ScratchFile
    private let places: [String: (offset: Int, count: Int)]
    package let count: Int

    /// What is read at once.
    private static let pieceElements = 1 << 18

    /// Room for some parameters of `model`, or for all of them, in a nameless file in `directory`.
    package convenience init(_ model: LanguageModel, _ names: [String]? = nil, in directory: FilePath) throws {
        try self.init(
            (names ?? model.layout.parameters).map { ($0, model.checkpoint.tensor(named: $0)?.elementCount ?? 0) }, in: directory)
    }

    /// Room for so many numbers under each name.
    init(_ counts: [(name: String, count: Int)], in directory: FilePath) throws {
        var places: [String: (offset: Int, count: Int)] = [:]
        var end = 0
        for (name, count) in counts {
            places[name] = (end, count)
            end += count
        }
        self.places = places
        count = end
        file = try ScratchFile(in: directory)
        try file.resize(to: end)
    }

    package func contains(_ name: String) -> Bool { places[name] != nil }

    /// How many numbers a parameter has; 0 where it is not among those kept.
    package func count(of name: String) -> Int { places[name]?.count ?? 0 }

    /// A parameter's numbers from `offset` on.
    package func read(_ name: String, from offset: Int, into values: inout MutableSpan<Float>) throws {
        try file.read(at: start(name, offset, values.count), into: &values)
    }

    package func write(_ name: String, from offset: Int, _ values: Span<Float>) throws {
        try file.write(values, at: start(name, offset, values.count))
    }

    /// Adds `scale` times another store.
    package func add(_ other: ParameterStore, scale: Float) throws {
        precondition(other.count == count)
        let piece = Self.pieceElements
        var sum = Matrix(rows: 1, columns: min(piece, count))
        var change = Matrix(rows: 1, columns: min(piece, count))
        for start in Swift.stride(from: 0, to: count, by: piece) {
            let length = min(piece, count - start)
            var elements = sum.mutableElements
            var here = elements._mutatingExtracting(0..<length)
            try file.read(at: start, into: &here)
            var changes = change.mutableElements
            var there = changes._mutatingExtracting(0..<length)
            try other.file.read(at: start, into: &there)
            for index in here.indices { here[index] += scale * there[index] }
            try file.write(here.span, at: start)
        }
    }

    /// Makes a file of it that appears at `path` whole, in place of what is there.
    func save(as path: FilePath) throws { try file.save(as: path) }

    /// Replaces all numbers by those of a file that `save` has made. Throws `SurgeryError.brokenState` where it has not so many.
    func load(_ path: FilePath) throws {
        guard try InputFile(path).size == 4 * count else { throw SurgeryError.brokenState(path) }
        try file.load(path)
    }

    /// Multiplies a parameter's numbers.
    package func scale(_ name: String, by factor: Float) throws {
        let count = count(of: name)
        for start in Swift.stride(from: 0, to: count, by: Self.pieceElements) {
            var numbers = Matrix(rows: 1, columns: min(Self.pieceElements, count - start))
            var elements = numbers.mutableElements
            try read(name, from: start, into: &elements)
            for index in elements.indices { elements[index] *= factor }
            try write(name, from: start, elements.span)
        }
    }

    private func start(_ name: String, _ offset: Int, _ count: Int) -> Int {
        guard let place = places[name], offset >= 0, offset + count <= place.count else {
            preconditionFailure("no such parameter: \(name)")
        }
        return place.offset + offset
    }
}
