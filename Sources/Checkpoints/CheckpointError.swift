package import Storage
package import SystemPackage
package import Tensors

/// What can be wrong with a checkpoint.
package enum CheckpointError: DiagnosedError {
    case storage(StorageError)
    case header(FilePath, kind: String, reason: String)
    case tensor(FilePath, name: String, kind: String, reason: String)
    case index(FilePath, kind: String, reason: String)
    case pyTorch(FilePath, kind: String, reason: String)
    case tokens(FilePath, kind: String, reason: String)
    case configuration(FilePath, key: String, reason: String)
    case unsupportedArchitecture(FilePath, modelType: String, supported: [String])
    case unsupportedTrait(FilePath, key: String, value: String, supported: String)
    case missingTensor(FilePath, name: String)
    case unexpectedShape(FilePath, name: String, expected: [Int], found: [Int])
    case unsupportedDType(FilePath, name: String, dtype: DType)
    case gguf(FilePath, kind: String, reason: String)
    case unsupportedGGUF(FilePath, kind: String, reason: String)
    case unconvertedGGUF(FilePath)

    package var fault: Fault {
        switch self {
        case .storage(let error): error.fault
        case .index(_, "missing-shard", _): .missingInput
        case .pyTorch(_, "legacy-pytorch", _), .pyTorch(_, "torchscript", _), .tensor(_, _, "strided-tensor", _): .unsupported
        case .tensor(_, _, "fused-experts", _): .unsupported
        case .tokens(_, "unsupported-dtype", _), .tokens(_, "npy-version", _), .tokens(_, "fortran-order", _): .unsupported
        case .header, .tensor, .index, .pyTorch, .gguf, .tokens, .configuration, .missingTensor, .unexpectedShape: .malformedInput
        case .unsupportedArchitecture, .unsupportedTrait, .unsupportedDType, .unsupportedGGUF, .unconvertedGGUF: .unsupported
        }
    }

    package var kind: String {
        switch self {
        case .storage(let error): error.kind
        case .header(_, let kind, _), .tensor(_, _, let kind, _), .index(_, let kind, _), .pyTorch(_, let kind, _): kind
        case .gguf(_, let kind, _), .tokens(_, let kind, _), .unsupportedGGUF(_, let kind, _): kind
        case .unconvertedGGUF: "gguf-unconverted"
        case .configuration: "configuration"
        case .unsupportedArchitecture: "unsupported-architecture"
        case .unsupportedTrait: "unsupported-trait"
        case .missingTensor: "missing-tensor"
        case .unexpectedShape: "unexpected-shape"
        case .unsupportedDType: "unsupported-dtype"
        }
    }

    package var description: String {
        switch self {
        case .storage(let error): error.description
        case .header(let path, _, let reason): "\(path): the safetensors header is malformed: \(reason)."
        case .tensor(let path, let name, _, let reason): "\(path): tensor \(Self.quoted(name)): \(reason)."
        case .index(let path, _, let reason), .pyTorch(let path, _, let reason): "\(path): \(reason)."
        case .tokens(let path, _, let reason): "\(path) cannot be read as token ids: \(reason)."
        case .configuration(let path, let key, let reason): "\(path): \(key) \(reason)."
        case .unsupportedArchitecture(let path, let type, let supported):
            "\(path): the architecture \(Self.quoted(type)) is not supported; supported are \(supported.joined(separator: ", "))."
        case .unsupportedTrait(let path, let key, let value, let supported):
            "\(path): \(key) is \(value), which is not supported for this architecture; supported: \(supported)."
        case .missingTensor(let path, let name): "\(path): there is no tensor \(Self.quoted(name)), which the configuration asks for."
        case .unexpectedShape(let path, let name, let expected, let found):
            "\(path): tensor \(Self.quoted(name)) has the shape \(found); the configuration asks for \(expected)."
        case .unsupportedDType(let path, let name, let dtype):
            "\(path): tensor \(Self.quoted(name)) is stored as \(dtype.rawValue); only F32, F16 and BF16 are computed with."
        case .gguf(let path, _, let reason): "\(path): the GGUF file is malformed: \(reason)."
        case .unsupportedGGUF(let path, _, let reason):
            "\(path): \(reason), which is not supported. It is refused rather than approximated."
        case .unconvertedGGUF(let path): "\(path) is a GGUF file. Make a model of it first: excise convert FILE DIR."
        }
    }

    /// A name from a file, fit to be printed: what a terminal would not show as it is escaped, its length bounded.
    package static func quoted(_ name: String) -> String {
        var text = "\""
        for scalar in name.unicodeScalars.prefix(200) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text += String(scalar)
            }
        }
        return text + (name.unicodeScalars.count > 200 ? "…\"" : "\"")
    }
}
