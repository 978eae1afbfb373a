internal import Checkpoints
internal import Patches
internal import Storage
internal import SystemPackage

/// The patch that leads from a model to what an edit makes of it, put in its place before the edited checkpoint is. Where the edit is cut off
/// between the two, the same edit, gone on with, makes it once more.
struct EditedPatch {
    private let path: FilePath
    /// Where the digest of the patch is kept that this edit puts at `path`.
    private let mark: FilePath
    private let replacing: Bool

    /// - Parameters:
    ///   - scratch: a directory that lasts until the edited checkpoint is in its place.
    ///   - resuming: whether an edit is gone on with that may have put a patch there itself.
    ///
    /// Throws `outputExists` where something stands at `path` that may not be replaced and that this edit did not put there.
    init(_ path: FilePath, replacing: Bool, scratch: FilePath, resuming: Bool) throws {
        (self.path, mark) = (path, scratch.appending("patch.sha256"))
        let isOwn =
            try resuming && FileSystem.kind(of: path) == .file && FileSystem.kind(of: mark) == .file
            && InputFile.contents(of: mark) == Self.text(InputFile(path).sha256())
        guard FileSystem.kind(of: path) == nil || replacing || isOwn else { throw StorageError.outputExists(path) }
        self.replacing = replacing || isOwn
    }

    /// Writes it and puts it in its place. Returns the file's digest.
    func write(from base: Checkpoint, to edited: FilePath) throws -> SHA256Digest {
        let file = try AtomicFile(path, replacing: replacing)
        Interruption.willStage(file.staging)
        try PatchCreation(from: base, to: Checkpoint(FileTree(directory: edited)), tool: Excise.version).write(to: file)
        let digest = try InputFile(file.staging).sha256()
        let note = try AtomicFile(mark, replacing: true)
        try note.write(Self.text(digest), at: 0)
        try note.commit()
        try file.commit()
        return digest
    }

    private static func text(_ digest: SHA256Digest) -> [UInt8] { Array(digest.description.utf8) }
}
