internal import Checkpoints
package import Storage
internal import SystemPackage

/// Everything that is wrong with a model's files, as far as it shows without reading a tensor: nothing stops at the first problem.
package struct ModelAudit: Sendable {
    /// In the order of the parts: the directory, its tensors, configuration, tokenizer. Of one code in one file only the first 100.
    package let findings: [Finding]
    /// How many there are of each, those left out included.
    package let errorCount: Int
    package let warningCount: Int
    /// The exit code's class; nil where there is no error.
    package let fault: Fault?

    /// Audits the directory, archive or snapshot of a model.
    package init(_ tree: FileTree) {
        var findings = FindingList(root: tree.path)
        let files = AuditedFiles(tree, &findings)
        let tensors = TensorFilesAudit(files, &findings)
        let configuration = ConfigurationAudit(files, tensors, &findings)
        findings.checkTokenizer(files, vocabularySize: configuration.vocabularySize)
        self.init(findings)
    }

    /// Audits one file of tensors: safetensors, PyTorch's or GGUF.
    package init(_ file: InputFile) {
        let name = file.path.lastComponent?.string ?? ""
        var findings = FindingList(root: file.path.removingLastComponent())
        if file.path.extension?.lowercased() == "gguf" {
            do { _ = try GGUFFile(file) } catch { findings.refusal(error, name) }
        } else {
            _ = findings.shard(file, name)
        }
        self.init(findings)
    }

    private init(_ list: FindingList) {
        (findings, errorCount, warningCount) = (list.findings, list.errorCount, list.warningCount)
        fault = list.errorCount == 0 ? nil : list.hasOnlyMissingFiles ? .missingInput : .malformedInput
    }

    /// What the inspection's report says of it.
    package var report: JSONValue {
        .members([
            "errors": .integer(errorCount), "warnings": .integer(warningCount),
            "findings": .array(
                findings.map {
                    .members([
                        "severity": .string($0.severity.rawValue), "code": .string($0.code), "file": .string($0.file),
                        "item": $0.item.map(JSONValue.string) ?? .null, "message": .string($0.message),
                    ])
                }),
        ])
    }
}
