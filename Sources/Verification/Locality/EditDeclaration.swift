internal import Storage
package import SystemPackage

/// What an edit said of itself: the tensors that it may have changed.
package enum EditDeclaration {
    private static let limit = 1 << 26

    /// Those that a report of `excise edit --json` lists. Throws `editReport` where the file is none.
    package static func tensors(report path: FilePath) throws -> [String] {
        guard let tensors = try InputFile.json(path, limit: limit)["tensors_edited"] else {
            throw VerificationError.editReport(path, "has no tensors_edited")
        }
        guard let names = tensors.array?.map(\.string), let found = names as? [String] else {
            throw VerificationError.editReport(path, "has other tensors_edited than an array of names")
        }
        return found
    }
}
