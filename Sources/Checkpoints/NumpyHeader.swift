internal import Storage
internal import SystemPackage

/// The header of a NumPy file (.npy, format versions 1.0, 2.0 and 3.0): what its one array is. It exists only if the array takes exactly
/// the rest of the file.
struct NumpyHeader {
    let element: StoredInteger
    let shape: [Int]
    /// Where the elements begin, in C order.
    let offset: Int

    /// NumPy itself refuses to read a longer one.
    private static let longest = 10_000

    /// Throws `CheckpointError.tokens`.
    init(_ contents: [UInt8], path: FilePath) throws(CheckpointError) {
        func fail(_ kind: String, _ reason: String) -> CheckpointError { .tokens(path, kind: kind, reason: reason) }
        guard contents.starts(with: [0x93] + Array("NUMPY".utf8)), contents.count >= 12 else {
            throw fail("not-npy", "it does not begin as a NumPy array does")
        }
        let lengthBytes: Int
        switch (contents[6], contents[7]) {
        case (1, 0): lengthBytes = 2
        case (2, 0), (3, 0): lengthBytes = 4
        default: throw fail("npy-version", "its format is version \(contents[6]).\(contents[7]); 1.0, 2.0 and 3.0 can be read")
        }
        let length = contents[8..<8 + lengthBytes].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.longest else {
            throw fail("header-too-large", "its header has \(length) bytes, more than the \(Self.longest) that NumPy itself reads")
        }
        offset = 8 + lengthBytes + length
        guard offset <= contents.count else { throw fail("truncated-file", "its header ends beyond the file") }

        var literal = NumpyLiteral(contents[8 + lengthBytes..<offset])
        let fields: [(name: String, value: NumpyLiteral.Value)]
        do { fields = try literal.dictionary() } catch { throw fail(error.kind, "its header \(error.reason)") }
        guard Set(fields.map(\.name)) == ["descr", "fortran_order", "shape"], fields.count == 3 else {
            throw fail("npy-header", "its header should have descr, fortran_order and shape, each once, and nothing else")
        }
        var values: [String: NumpyLiteral.Value] = [:]
        for field in fields { values[field.name] = field.value }
        guard case .string(let type)? = values["descr"] else { throw fail("npy-header", "its descr should be a string") }
        guard let element = StoredInteger(numpy: type) else {
            throw fail(
                "unsupported-dtype",
                "its elements are \(CheckpointError.quoted(type)); integers of at most 8 bytes, little-endian, are expected (such as <i4 or <u2)"
            )
        }
        guard case .boolean(let isFortran)? = values["fortran_order"], case .integers(let shape)? = values["shape"] else {
            throw fail("npy-header", "its fortran_order should be True or False, its shape a tuple of natural numbers")
        }
        guard !isFortran else { throw fail("fortran-order", "its columns lie together, not its rows; save numpy.ascontiguousarray of it") }
        guard shape.count <= 64 else { throw fail("rank", "its array has \(shape.count) dimensions, more than NumPy knows") }
        var size = element.byteCount
        for dimension in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw fail("size-overflow", "its shape \(shape) is larger than any file") }
            size = product
        }
        guard size == contents.count - offset else {
            throw fail("size-mismatch", "\(type) \(shape) takes \(size) bytes, but \(contents.count - offset) follow the header")
        }
        self.element = element
        self.shape = shape
    }
}
