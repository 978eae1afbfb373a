import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing
import Verification

/// Formats/check-codes.md explains each code that a check can give and no other.
@Suite struct AuditCodeTests {
    /// The codes that a source file writes, its comments left aside.
    private func codes(of file: String) throws -> Set<String> {
        let text = String(decoding: try InputFile.contents(of: Fixture.project.appending("Sources").pushing(FilePath(file))), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { !$0.contains("///") }
        return Set(lines.flatMap { $0.matches(of: /"([a-z0-9]+(-[a-z0-9]+)+)"/) }.map { String($0.1) })
    }

    @Test func everyCodeIsDocumented() throws {
        let path = FilePath("file")
        let storage: [StorageError] = [
            .missing(path), .unreadable(path, .ioError), .truncated(path, expected: 1, found: 0), .notAFile(path),
            .tooLarge(path, limit: 0), .archive(path, ""),
        ]
        let checkpoint: [CheckpointError] = [
            .configuration(path, key: "", reason: ""), .unsupportedArchitecture(path, modelType: "", supported: []),
            .unsupportedTrait(path, key: "", value: "", supported: ""), .missingTensor(path, name: ""),
            .unexpectedShape(path, name: "", expected: [], found: []), .unsupportedDType(path, name: "", dtype: .f64),
        ]
        var known = Set(storage.map(\.kind)).union(checkpoint.map(\.kind))
        known.formUnion(AuditCode.allCases.map(\.rawValue))
        known.formUnion(HeaderDefect.allCases.map(\.rawValue))
        known.formUnion(HeaderWarning.allCases.map(\.rawValue))
        known.formUnion(IndexDefect.allCases.map(\.rawValue))
        for file in ["PickleCalls", "PickleReader", "PickleStack", "PyTorchFile", "PyTorchRecords", "StateDict"] {
            known.formUnion(try codes(of: "Checkpoints/PyTorch/\(file).swift"))
        }
        known.formUnion(["torchscript", "fused-experts"])
        for file in ["GGUFFile", "GGUFReader", "GGUFMetadata", "GGUFTensorHeader"] {
            known.formUnion(try codes(of: "Checkpoints/GGUF/\(file).swift"))
        }
        // The others come of texts, which a check does not encode.
        let ofTexts: Set<String> = [
            "no-such-token", "regular-expression-failed", "unknown-token-out-of-vocabulary", "normalized-text-too-long",
        ]
        known.formUnion(try codes(of: "Tokenizers/TokenizerError.swift").subtracting(ofTexts))
        // A check finds out before that there is no tokenizer, and calls it a missing file.
        known.remove("missing-tokenizer")

        let page = String(decoding: try InputFile.contents(of: Fixture.project.appending("Formats/check-codes.md")), as: UTF8.self)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { String($0.dropFirst(3).prefix { $0 != "`" }) }
        #expect(Set(rows) == known, "\(Set(rows).symmetricDifference(known))")
        #expect(Set(rows).count == rows.count)
        for row in page.split(separator: "\n") where row.hasPrefix("| `") {
            #expect(row.contains("| error |") || row.contains("| warning |"))
        }
    }
}
