package import SystemPackage

/// A directory that appears whole or not at all: written beside its place, synced, and put there when it is complete.
///
/// 1. Work goes to `.NAME.partial/contents`; `.NAME.partial` is one process's at a time.
/// 2. Uncommitted, everything written is removed. If the process was killed, it stays until the next one for the same place.
/// 3. That one may go on with it: the files that a journal there calls finished are kept, if the work is the same. Otherwise
///    it removes what it finds and begins anew.
/// 4. What is replaced changes places with the new directory at once; where the file system cannot do that, it is set aside first.
package final class StagedDirectory {
    package let path: FilePath
    private let staging: FilePath
    /// Where the files lie until they are put in their place.
    package let contents: FilePath
    private let lock: FileDescriptor
    private let journal: StagingJournal
    private var isCommitted = false

    /// - Parameters:
    ///   - replacing: whether something at `path` may be replaced. Throws `outputExists` otherwise, before any work.
    ///   - work: what is done, to the last input and option: only the same work can be gone on with.
    ///   - resuming: whether to go on with work that was cut off. Throws `otherWork` where it was another.
    package init(_ path: FilePath, replacing: Bool, work: String = "", resuming: Bool = false) throws(StorageError) {
        let parent = path.removingLastComponent()
        let place = parent.isEmpty ? FilePath(".") : parent
        if FileSystem.kind(of: path) != nil && !replacing { throw .outputExists(path) }
        guard path.lastComponent != nil, FileSystem.kind(of: place) == .directory else {
            throw .cannotCreate(path, .noSuchFileOrDirectory)
        }
        self.path = path
        staging = Self.scratch(for: path)
        contents = staging.appending("contents")
        if FileSystem.kind(of: staging) == nil { try FileSystem.createDirectory(staging) }
        guard let lock = try FileSystem.lock(staging) else { throw .outputBusy(path) }
        self.lock = lock
        do {
            if !resuming { for name in try FileSystem.names(in: staging) { FileSystem.remove(staging.appending(name)) } }
            if FileSystem.kind(of: contents) == nil { try FileSystem.createDirectory(contents) }
            journal = try StagingJournal(staging.appending("journal"), of: contents, work: work)
        } catch {
            try? lock.close()
            throw error
        }
    }

    deinit {
        if !isCommitted { FileSystem.remove(staging) }
        try? lock.close()
    }

    /// Where scratch files may lie: on the disk that the output goes to.
    package var scratch: FilePath { staging }

    /// Where they lie for a directory at `path`, also those of work that was cut off.
    package static func scratch(for path: FilePath) -> FilePath {
        let parent = path.removingLastComponent()
        return (parent.isEmpty ? FilePath(".") : parent).appending(".\(path.lastComponent?.string ?? "").partial")
    }

    /// Whether a file was finished before the work was cut off.
    package func isFinished(_ name: String) -> Bool { journal.isFinished(name) }

    /// A new file in it.
    package func create(_ name: String) throws(StorageError) -> StagedFile {
        try StagedFile(contents.appending(name), name: name, journal: journal)
    }

    /// Puts the directory in its place.
    package func commit() throws(StorageError) {
        try FileSystem.sync(contents)
        // Before the directories change places: it must never speak of the files that are replaced.
        journal.remove()
        try FileSystem.sync(staging)
        let parent = path.removingLastComponent()
        let place = parent.isEmpty ? FilePath(".") : parent
        if FileSystem.kind(of: path) == nil {
            try FileSystem.rename(contents, to: path)
        } else if try !FileSystem.exchange(contents, path) {
            let aside = staging.appending("replaced")
            try FileSystem.rename(path, to: aside)
            do { try FileSystem.rename(contents, to: path) } catch {
                try? FileSystem.rename(aside, to: path)
                throw error
            }
        }
        isCommitted = true
        try FileSystem.sync(place)
        // With what was replaced, if anything was.
        FileSystem.remove(staging)
    }
}
