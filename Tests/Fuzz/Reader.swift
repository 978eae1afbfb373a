internal import Checkpoints
internal import Patches
internal import Signing
internal import Storage
internal import SystemPackage
internal import Tokenizers
internal import Verification

/// A reader of files that strangers write. Each is taken as far as a user's first command would take it.
enum Reader: String, CaseIterable {
    case safetensors, index, pytorch, gguf, tokenizer, sentencepiece, vocabulary, configuration, tar, zip, gzip, zstandard, numpy, tokens,
        records, gate, patch, signature, statement

    /// Readers go by the extension.
    var fileName: String {
        switch self {
        case .safetensors: "model.safetensors"
        case .index: "model.safetensors.index.json"
        case .pytorch: "pytorch_model.bin"
        case .gguf: "model.gguf"
        case .tokenizer: "tokenizer.json"
        case .sentencepiece: "tokenizer.model"
        case .vocabulary: "vocabulary"
        case .configuration: "config.json"
        case .tar: "model.tar"
        case .zip: "model.zip"
        case .gzip: "records.txt.gz"
        case .zstandard: "model.tar.zst"
        case .numpy: "tokens.npy"
        case .tokens: "tokens.safetensors"
        case .records: "records.jsonl"
        case .gate: "gate"
        case .patch: "patch.safetensors"
        case .signature: "model.sig"
        case .statement: "statement.json"
        }
    }

    func read(_ path: FilePath) throws {
        switch self {
        case .safetensors: _ = try SafetensorsHeader(of: InputFile(path))
        case .index: _ = try ShardIndex(InputFile(path), shardExtension: "safetensors")
        case .pytorch: _ = try PyTorchFile(InputFile(path))
        case .gguf: try Self.readGGUF(InputFile(path))
        case .tokenizer, .sentencepiece: try Self.use(Tokenizer(file: InputFile(path)))
        case .vocabulary: try Self.readVocabulary(InputFile.contents(of: path))
        case .configuration: _ = try ModelConfiguration(document: InputFile.json(path), path: path)
        case .tar, .zip, .zstandard: try Self.readArchive(path)
        case .gzip, .records: _ = try TextRecords.read(path)
        case .numpy, .tokens: _ = try TokenFile.records(path)
        case .gate: try Self.readGate(InputFile.contents(of: path))
        case .patch: try Self.readPatch(InputFile(path))
        case .signature: try Self.readSignature(InputFile(path))
        case .statement: try Self.readStatement(InputFile.contents(of: path))
        }
    }

    /// The model with its tokenizer, configuration and every tensor's first elements, more than a block of them.
    private static func readGGUF(_ file: InputFile) throws {
        let model = try GGUFModel(file)
        for tensor in model.tensors {
            var elements = [Float](repeating: 0, count: min(tensor.elementCount, 300))
            var span = elements.mutableSpan
            try model.read(tensor.name, from: 0, into: &span)
        }
        _ = try ModelConfiguration(document: model.configuration, path: file.path)
        try use(Tokenizer(json: model.tokenizer, name: file.path.string))
    }

    /// The files of a tokenizer one after another, a zero byte between them.
    private static func readVocabulary(_ bytes: [UInt8]) throws {
        let names = ["vocab.json", "merges.txt", "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"]
        let parts = bytes.split(separator: 0, maxSplits: names.count - 1, omittingEmptySubsequences: false)
        for (index, name) in names.enumerated() {
            let file = try FileDescriptor.open(
                FilePath(name), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
            _ = try file.closeAfter { try file.writeAll(index < parts.count ? Array(parts[index]) : Array("{}".utf8)) }
        }
        try use(Tokenizer(FileTree(directory: ".")))
    }

    /// A text with what tokenizers treat in their own ways, there and back, and the first ids of the vocabulary.
    private static func use(_ tokenizer: Tokenizer) throws {
        let text = "Hello,  wo\u{308}rld! I'LL\r\n\t123456 <s>▁a é \u{FB01}\u{AC01}\u{1F469}\u{200D}\u{1F467}</s> aaaaaaaaaaaaaaaa \u{0}"
        let ids = try tokenizer.encode(text, addingSpecialTokens: true)
        _ = try tokenizer.decode(ids, skippingSpecialTokens: true)
        let first = (0..<Int32(min(tokenizer.vocabularySize, 64))).filter { tokenizer.token($0) != nil }
        _ = try tokenizer.decode(first, skippingSpecialTokens: false)
    }

    private static func readArchive(_ path: FilePath) throws {
        let files = try FileTree(archive: path, scratch: ".")
        for name in files.names {
            let file = try files.file(name)
            _ = try file.bytes(count: min(file.size, 1 << 12))
        }
    }

    /// Whether it is as it was written is asked last: else nothing that is changed would be looked into.
    private static func readPatch(_ file: InputFile) throws {
        let patch = try Patch(file)
        try patch.verifyDifferences()
        try patch.verify()
    }

    private static func readSignature(_ file: InputFile) throws {
        let bundle = try SignatureBundle(file)
        if case .certificate(let certificate, _) = bundle.signer { _ = (certificate.subject, certificate.validity) }
        _ = try? bundle.check(trusting: TrustedCertificates([]))
        _ = try bundle.statement()
    }

    /// What a signature is over, which a change to the signature's own base64 seldom reaches; that it does not hold is not asked.
    private static func readStatement(_ bytes: [UInt8]) throws {
        let text = """
            {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},"dsseEnvelope":{"payload":\
            "\(Base64.encoded(bytes))","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}}
            """
        let path = FilePath("model.sig")
        let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try file.closeAfter { try file.writeAll(text.utf8) }
        _ = try SignatureBundle(InputFile(path)).statement()
    }

    private static func readGate(_ bytes: [UInt8]) throws {
        let report: JSONValue = .members([
            "forget": .members(["base": .members(["nll": 0.5]), "edited": .members(["nll": 4, "recited": nil])]), "ratio": 1.25,
        ])
        _ = try GateExpression(parsing: String(decoding: bytes, as: UTF8.self)).evaluate(on: report)
    }
}
