package import Checkpoints
internal import Foundation
internal import Storage
package import SystemPackage
internal import Tensors

/// Files that the tests compare with, made by the scripts beside them.
package enum Fixture {
    /// Tests/Fixtures.
    package static let directory = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Fixtures")

    /// The project's top folder.
    package static let project = directory.removingLastComponent().removingLastComponent()

    /// Models and texts that are not part of the project; nil where they are not there.
    package static let shared: FilePath? = {
        let path = Self.path(in: "EXCISE_SHARED") ?? project.removingLastComponent().appending("shared")
        return FileManager.default.fileExists(atPath: path.string) ? path : nil
    }()

    /// Nil where a variable of the environment is empty too.
    private static func path(in variable: String) -> FilePath? {
        ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : FilePath($0) }
    }

    /// SmolLM2-135M-Instruct's directory, by EXCISE_SMOLLM2; nil where it was not fetched.
    package static let smolLM2: FilePath? = path(in: "EXCISE_SMOLLM2")

    /// The GGUF file that directory was made from, by EXCISE_SMOLLM2_GGUF; nil where it was not fetched.
    package static let smolLM2GGUF: FilePath? = path(in: "EXCISE_SMOLLM2_GGUF")

    /// The pico models of make_pico_models.py.
    package static let picoModels = [
        "llama-tied-gqa", "llama-untied-biases", "llama-mqa-head-dim", "llama-bf16", "llama-sharded", "gpt2-tied", "gpt2-untied-f16",
        "gpt2-full-context", "llama-linear", "llama-dynamic", "llama-llama3", "llama-yarn", "mistral-window", "qwen2-layer-types",
        "qwen2-first-layers", "qwen3-head-norms", "smollm3-unturned-layers", "gemma-multi-query", "gemma2-softcaps", "gemma3-two-bases",
        "granite-multipliers", "olmo-clipped", "olmo2-output-norms", "stablelm-parallel", "stablelm-sequential", "phi-head-norms", "phi-2",
        "phi3-long", "phi3-short", "gpt-neox-parallel", "gpt-neox-sequential", "gpt2-unscaled", "gpt-neo-local", "opt-pre-norm",
        "opt-post-norm", "falcon-grouped", "falcon-multi-query", "falcon-linear-biases", "bloom-five-heads",
        "mixtral-window", "mixtral-every-expert", "qwen2-moe-shared", "qwen2-moe-steps", "qwen3-moe-dense-first", "olmoe-one-of-four",
    ]

    package static func model(_ name: String) throws -> LanguageModel { try LanguageModel(directory.appending(name)) }
}

extension Checkpoint {
    /// All of a stored tensor, as Float.
    package func floats(_ name: String) throws -> [Float] {
        guard let tensor = tensor(named: name) else { throw CheckpointError.missingTensor(path, name: name) }
        var values = [Float](repeating: 0, count: tensor.elementCount)
        var span = values.mutableSpan
        try read(name, from: 0, into: &span)
        return values
    }

    /// All of a stored I64 tensor.
    package func tokens(_ name: String) throws -> [Int32] {
        guard let tensor = tensor(named: name), let file = file(holding: name) else {
            throw CheckpointError.missingTensor(path, name: name)
        }
        let bytes = try file.bytes(at: tensor.offset, count: tensor.byteCount)
        return stride(from: 0, to: bytes.count, by: 8).map { start in
            (0..<4).reduce(0) { $0 | Int32(truncatingIfNeeded: UInt32(bytes[start + $1]) << UInt32(8 * $1)) }
        }
    }

    /// All of a stored U8 tensor.
    package func bytes(_ name: String) throws -> [UInt8] {
        guard let tensor = tensor(named: name), let file = file(holding: name) else {
            throw CheckpointError.missingTensor(path, name: name)
        }
        return try file.bytes(at: tensor.offset, count: tensor.byteCount)
    }
}

/// Norm of the difference over the norm of what was expected, in Double; a norm of less than `least` an element counts as that.
package func relativeError(_ found: [Float], _ expected: [Float], least: Double = 0) -> Double {
    guard found.count == expected.count else { return .infinity }
    let difference = zip(found, expected).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    let norm = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (difference / max(norm, least * least * Double(expected.count), 1e-30)).squareRoot()
}
