internal import SystemPackage

/// How a stream of bytes is compressed.
enum Compression: Sendable {
    case gzip, zstandard
}

/// What an archive's name says it is; nothing else is then tried on it.
enum ArchiveFormat: Sendable, Equatable {
    case tar(Compression?), zip

    static let endings = ".tar, .tar.gz, .tgz, .tar.zst and .zip"

    init?(_ path: FilePath) {
        guard let name = path.lastComponent?.string.lowercased() else { return nil }
        if name.hasSuffix(".tar") {
            self = .tar(nil)
        } else if name.hasSuffix(".tar.gz") || name.hasSuffix(".tgz") {
            self = .tar(.gzip)
        } else if name.hasSuffix(".tar.zst") {
            self = .tar(.zstandard)
        } else if name.hasSuffix(".zip") {
            self = .zip
        } else {
            return nil
        }
    }
}
