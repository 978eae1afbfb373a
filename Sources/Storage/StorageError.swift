package import SystemPackage

/// What can go wrong with files, whatever is in them.
package enum StorageError: DiagnosedError {
    case missing(FilePath)
    case unreadable(FilePath, Errno)
    case truncated(FilePath, expected: Int, found: Int)
    case notAFile(FilePath)
    case notADirectory(FilePath)
    case syntax(FilePath, JSONSyntaxError)
    case tooLarge(FilePath, limit: Int)
    case outputExists(FilePath)
    case cannotCreate(FilePath, Errno)
    case outputBusy(FilePath)
    case otherWork(FilePath)
    case unwritable(FilePath, Errno)
    case archive(FilePath, String)
    case escapingLink(FilePath)
    case compressed(FilePath, String)
    case notPackable(FilePath, String)

    package var fault: Fault {
        switch self {
        case .missing: .missingInput
        case .unreadable, .unwritable: .inputOutput
        case .truncated, .notAFile, .notADirectory, .syntax, .tooLarge, .archive, .escapingLink, .compressed, .notPackable: .malformedInput
        case .outputExists, .cannotCreate, .outputBusy, .otherWork: .cannotCreate
        }
    }

    package var kind: String {
        switch self {
        case .missing: "missing-file"
        case .unreadable: "unreadable-file"
        case .truncated: "truncated-file"
        case .notAFile: "not-a-file"
        case .notADirectory: "not-a-directory"
        case .syntax: "json-syntax"
        case .tooLarge: "file-too-large"
        case .outputExists: "output-exists"
        case .cannotCreate: "cannot-create"
        case .outputBusy: "output-busy"
        case .otherWork: "resume-mismatch"
        case .unwritable: "unwritable-file"
        case .archive: "malformed-archive"
        case .escapingLink: "escaping-link"
        case .compressed: "malformed-compression"
        case .notPackable: "not-packable"
        }
    }

    package var description: String {
        switch self {
        case .missing(let path): "There is no \(path)."
        case .unreadable(let path, let cause): "\(path) could not be read: \(cause)."
        case .truncated(let path, let expected, let found):
            "\(path) ends too early: \(expected) bytes were expected, \(found) are there. Fetch it again."
        case .notAFile(let path): "\(path) is not a regular file."
        case .notADirectory(let path): "\(path) is a single file; a model's directory is needed here, with config.json and tokenizer.json."
        case .syntax(let path, let cause): "\(path) is \(cause.description)."
        case .tooLarge(let path, let limit): "\(path) is larger than the \(limit) bytes such a file may have."
        case .outputExists(let path): "\(path) exists already. Give --force to replace it, or name another output."
        case .cannotCreate(let path, let cause): "\(path) could not be created: \(cause)."
        case .outputBusy(let path): "Another process is writing \(path)."
        case .otherWork(let path):
            "\(path) holds work that was begun with other inputs or options. Give the same ones, or leave out --resume to begin anew."
        case .unwritable(let path, let cause): "\(path) could not be written: \(cause)."
        case .archive(let path, let reason): "\(path) could not be read as an archive: \(reason)."
        case .escapingLink(let path): "\(path) is a link that leads out of the cache; its files are links into the cache's own blobs."
        case .compressed(let path, let reason): "\(path) could not be decompressed: \(reason)."
        case .notPackable(let path, let reason): "\(path) cannot be packed: \(reason)."
        }
    }
}
