internal import Storage
internal import SystemPackage

/// Why a safetensors file is refused before any of its data is looked at. Formats/safetensors-codes.md says the same to readers.
package enum HeaderDefect: String, Sendable, CaseIterable {
    // The file
    case truncatedFile = "truncated-file"
    case gitLFSPointer = "lfs-pointer"
    case emptyHeader = "empty-header"
    case headerTooLarge = "header-too-large"
    case fileChanged = "file-changed"
    // Its header as JSON
    case jsonSyntax = "json-syntax"
    case duplicateName = "duplicate-name"
    case notAnObject = "not-an-object"
    case metadata
    case tooManyTensors = "too-many-tensors"
    // A tensor's description
    case nameTooLong = "name-too-long"
    case descriptionTooLong = "description-too-long"
    case unknownField = "unknown-field"
    case missingField = "missing-field"
    case dtype
    case notAnArray = "not-an-array"
    case notANatural = "not-a-natural"
    case rank
    case offsets
    case sizeOverflow = "size-overflow"
    case partialByte = "partial-byte"
    case sizeMismatch = "size-mismatch"
    // The tensors side by side
    case offsetGap = "offset-gap"
    case offsetOverlap = "offset-overlap"
    case trailingBytes = "trailing-bytes"
}

/// What is odd about a safetensors file that is read nevertheless.
package enum HeaderWarning: String, Sendable, CaseIterable, CustomStringConvertible {
    case leadingWhitespace = "leading-whitespace"

    package var description: String {
        switch self {
        case .leadingWhitespace: "the header begins with white space, where the format asks for {"
        }
    }
}

extension CheckpointError {
    static func header(_ path: FilePath, _ defect: HeaderDefect, _ reason: String) -> CheckpointError {
        .header(path, kind: defect.rawValue, reason: reason)
    }

    static func header(_ path: FilePath, _ error: JSONSyntaxError) -> CheckpointError {
        .header(path, error.repeatedName == nil ? .jsonSyntax : .duplicateName, error.description)
    }

    static func tensor(_ path: FilePath, _ name: String, _ defect: HeaderDefect, _ reason: String) -> CheckpointError {
        .tensor(path, name: name, kind: defect.rawValue, reason: reason)
    }
}

/// The same steps with this module's errors.
extension JSONMembers {
    @_lifetime(copy text)
    init?(of text: Span<UInt8>, depth: Int = 64, or failure: (JSONSyntaxError) -> CheckpointError) throws(CheckpointError) {
        do { try self.init(of: text, depth: depth) } catch { throw failure(error) }
    }

    @_lifetime(copy self)
    mutating func next(or failure: (JSONSyntaxError) -> CheckpointError) throws(CheckpointError) -> JSONMember? {
        do { return try next() } catch { throw failure(error) }
    }
}
