package import Storage
package import SystemPackage
internal import Tensors

/// Reads TEXT files of token ids made elsewhere: `.npy` and `.safetensors`, each also compressed (`CompressedFile`).
///
/// 1. An array or tensor of one dimension is a record; of two, a record a row. Tensors come in the order of their names' bytes.
/// 2. Elements are integers, little-endian, from 0 to 2^31 - 1. Whether a model has such a token is for the model to say.
/// 3. A record has at least one token. Rows are taken whole: padding cannot be told from text.
package enum TokenFile {
    /// A row of one token takes some hundred times its bytes in memory.
    private static let mostRecords = 1 << 24

    /// Whether the name is such a file's, in any case of letters. The file is not looked at.
    package static func isTokenFile(_ path: FilePath) -> Bool { Container(path) != nil }

    /// The records of the file; at least one.
    ///
    /// - Parameter limit: the largest file taken, in bytes, decompressed. It is held in memory whole, as are its records.
    package static func records(
        _ path: FilePath, limit: Int = TextRecords.largestFile
    ) throws(CheckpointError) -> [TextRecord] {
        let contents: [UInt8]
        do { contents = try CompressedFile.contents(of: path, limit: limit) } catch { throw .storage(error) }
        var records: [TextRecord] = []
        switch Container(path) {
        case .numpy:
            let header = try NumpyHeader(contents, path: path)
            try append(
                TokenArray(name: nil, element: header.element, shape: header.shape, offset: header.offset), of: contents, path, to: &records
            )
        case .safetensors:
            let header = try SafetensorsHeader(of: contents, path: path)
            for tensor in header.tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
                guard let element = StoredInteger(tensor.dtype) else {
                    throw .tokens(
                        path, kind: "unsupported-dtype",
                        reason: "tensor \(CheckpointError.quoted(tensor.name)) is \(tensor.dtype.rawValue); integers are expected")
                }
                try append(
                    TokenArray(name: tensor.name, element: element, shape: tensor.shape, offset: tensor.offset), of: contents, path,
                    to: &records)
            }
        case nil: throw .tokens(path, kind: "unsupported-dtype", reason: "its name ends neither in .npy nor in .safetensors")
        }
        guard !records.isEmpty else { throw .tokens(path, kind: "no-records", reason: "it holds no record") }
        return records
    }

    private static func append(
        _ array: TokenArray, of contents: [UInt8], _ path: FilePath, to records: inout [TextRecord]
    ) throws(CheckpointError) {
        func fail(_ kind: String, _ reason: String) -> CheckpointError {
            .tokens(path, kind: kind, reason: (array.name.map { "tensor \(CheckpointError.quoted($0)): " } ?? "") + reason)
        }
        guard let columns = array.shape.last, array.shape.count <= 2 else {
            throw fail("rank", "its shape is \(array.shape); one dimension (a record) or two (a record a row) are expected")
        }
        let rows = array.shape.count == 2 ? array.shape[0] : 1
        guard rows <= mostRecords - records.count else { throw fail("too-many-records", "there are more than \(mostRecords) records") }
        for row in 0..<rows {
            guard columns > 0 else { throw fail("empty-record", "record \(records.count + 1) has no token") }
            var ids: [Int32] = []
            ids.reserveCapacity(columns)
            for column in 0..<columns {
                let offset = array.offset + (row * columns + column) * array.element.byteCount
                guard let id = array.element.natural(in: contents.span, at: offset) else {
                    throw fail(
                        "not-a-token-id",
                        "record \(records.count + 1) has \(array.element.text(in: contents.span, at: offset)) as its token \(column + 1); ids from 0 to 2147483647 are expected"
                    )
                }
                ids.append(id)
            }
            records.append(.tokens(ids))
        }
    }

    private enum Container {
        case numpy, safetensors

        init?(_ path: FilePath) {
            switch CompressedFile.plainName(path).extension?.lowercased() {
            case "npy": self = .numpy
            case "safetensors": self = .safetensors
            default: return nil
            }
        }
    }
}

/// An array of token ids within a file's contents.
private struct TokenArray {
    let name: String?
    let element: StoredInteger
    let shape: [Int]
    let offset: Int
}
