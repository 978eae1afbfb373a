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
}
