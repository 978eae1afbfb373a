internal import Checkpoints
package import Storage
package import SystemPackage

/// Any TEXT file: text, or token ids. Its name decides.
package enum TextFile {
    /// The records of the file, in its order; at least one. `format` says how text is read; token ids have no fields. Throws
    /// `TextRecordError` or `CheckpointError`.
    package static func records(_ path: FilePath, format: TextFormat = TextFormat()) throws -> [TextRecord] {
        try TokenFile.isTokenFile(path) ? TokenFile.records(path) : TextRecords.read(path, format: format)
    }

    /// Calls `body` with the records one after the other, for files that are too large to hold. Throws what `records` throws, and
    /// what `body` throws.
    package static func forEach(_ path: FilePath, format: TextFormat = TextFormat(), _ body: (TextRecord) throws -> Void) throws {
        guard TokenFile.isTokenFile(path) else { return try TextRecords.forEach(path, format: format, body) }
        for record in try TokenFile.records(path) { try body(record) }
    }
}
