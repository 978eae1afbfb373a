package import Checkpoints
internal import Storage
internal import Tensors

/// One model's tensor as it is read to be compared: stored bytes where there are any, else values made of them as F32.
package struct ComparedTensor: Sendable {
    package let description: TensorDescription
    /// The bytes as they are stored; nil where elements stand in blocks.
    private let stored: InputFile?
    private let weights: any WeightSource

    package init(_ description: TensorDescription, of model: ConversionSource) throws(CheckpointError) {
        self.description = description
        stored = try model.stored(description.name)
        weights = model.weights
    }

    /// Whether it is the same part of the same file, so that nothing needs to be read.
    func isSamePart(as other: ComparedTensor) -> Bool {
        guard let stored, let part = other.stored else { return false }
        return stored.identity == part.identity && description.dtype == other.description.dtype
    }

    /// The elements of that range (whole bytes) as they are stored, in the tensor's dtype.
    func elements(_ range: Range<Int>) throws -> ComparedElements {
        let width = description.dtype.bitWidth
        let place = range.lowerBound * width / 8..<range.upperBound * width / 8
        if let stored { return try ComparedElements(stored, place) }
        var values = [Float](repeating: 0, count: range.count)
        var span = values.mutableSpan
        try weights.read(description.name, from: range.lowerBound, into: &span)
        var bytes = [UInt8](repeating: 0, count: place.count)
        var target = bytes.mutableSpan
        StoredScalar.encode(values.span, as: description.dtype, into: &target)
        return ComparedElements(bytes)
    }
}

/// Stored elements: where they lie in the file if they can be read there, else a copy.
struct ComparedElements: ~Copyable {
    private let pages: FilePages?
    private let copy: [UInt8]

    fileprivate init(_ file: InputFile, _ range: Range<Int>) throws {
        let pages = FilePages(file, range)
        copy = pages == nil ? try file.bytes(at: range.lowerBound, count: range.count) : []
        self.pages = pages
    }

    fileprivate init(_ bytes: [UInt8]) {
        pages = nil
        copy = bytes
    }

    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            switch pages {
            case .some(let pages): pages.bytes
            case .none: copy.span
            }
        }
    }
}
