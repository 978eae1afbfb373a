import Storage
import SystemPackage
import TestSupport

/// The quickstart model and its texts: part of the project's examples, or beside it; nil where they are neither.
enum Quickstart {
    static let directory: FilePath? = [Fixture.project.appending("Examples"), Fixture.shared].compactMap { $0?.appending("quickstart") }
        .first {
            FileSystem.kind(of: $0.appending("model").appending("model.safetensors")) == .file
                && FileSystem.kind(of: $0.appending("unseen.jsonl")) == .file
        }
}
