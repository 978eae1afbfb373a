internal import Storage
package import SystemPackage

/// A decoder that can be computed: its configuration, its tensors by role, and the checkpoint that holds them.
package struct LanguageModel: Sendable {
    package let path: FilePath
    package let configuration: ModelConfiguration
    package let checkpoint: Checkpoint
    package let layout: TensorLayout

    /// Opens a Hugging Face style directory.
    package init(_ path: FilePath) throws(CheckpointError) {
        guard let kind = FileSystem.kind(of: path) else { throw .storage(.missing(path)) }
        guard kind == .directory else {
            throw .configuration(
                path, key: "MODEL", reason: "is a single file; computing needs a directory with config.json and tokenizer.json")
        }
        self.path = path
        configuration = try ModelConfiguration(directory: path)
        checkpoint = try Checkpoint(path)
        layout = try TensorLayout(configuration, in: checkpoint)
    }

    /// The token that a record is scored after: beginning of text, else end of text.
    package var prefixToken: Int? { configuration.beginToken ?? configuration.endTokens.first }

    /// How many parameters the edited tensors hold.
    package var parameterCount: Int { layout.parameters.reduce(0) { $0 + (checkpoint.tensor(named: $1)?.elementCount ?? 0) } }
}
