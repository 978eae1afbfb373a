package import Storage
package import SystemPackage

/// A decoder that can be computed: its configuration, its tensors by role, and the checkpoint that holds them.
package struct LanguageModel: Sendable {
    package let files: FileTree
    package let configuration: ModelConfiguration
    package let checkpoint: Checkpoint
    package let layout: TensorLayout

    package init(_ files: FileTree) throws(CheckpointError) {
        self.files = files
        configuration = try ModelConfiguration(files)
        checkpoint = try Checkpoint(files)
        layout = try TensorLayout(configuration, in: checkpoint)
    }

    /// What messages call it.
    package var path: FilePath { files.path }

    /// The token that a record is scored after: beginning of text, else end of text.
    package var prefixToken: Int? { configuration.beginToken ?? configuration.endTokens.first }

    /// How many parameters the edited tensors hold.
    package var parameterCount: Int { layout.parameters.reduce(0) { $0 + (checkpoint.tensor(named: $1)?.elementCount ?? 0) } }
}
