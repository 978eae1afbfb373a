package import Checkpoints
internal import Storage
package import SystemPackage

extension FileTree {
    fileprivate init(at path: FilePath) throws(CheckpointError) {
        do { try self.init(directory: path) } catch { throw .storage(error) }
    }
}

extension Checkpoint {
    /// The checkpoint of a directory, or one .safetensors file.
    package init(_ path: FilePath) throws(CheckpointError) {
        guard FileSystem.kind(of: path) != .directory else {
            try self.init(FileTree(at: path))
            return
        }
        let file: InputFile
        do { file = try InputFile(path) } catch { throw .storage(error) }
        try self.init(file: file)
    }
}

extension LanguageModel {
    package init(_ directory: FilePath) throws(CheckpointError) { try self.init(FileTree(at: directory)) }
}

extension ModelConfiguration {
    package init(directory: FilePath) throws(CheckpointError) { try self.init(FileTree(at: directory)) }
}
