import Checkpoints
import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

struct StatementTests {
    /// The whole of it, of the single file that is fixed by its bytes.
    @Test func isWrittenInOneWay() throws {
        let statement = try Signatures.statement(of: Signatures.model.appending("config.json"))
        let digest = SHA256Hasher.digest(of: Array("{\"model_type\": \"llama\"}\n".utf8))
        let text = """
            {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"config.json","digest":{"sha256":\
            "\(SHA256Hasher.digest(of: digest.bytes))"}}],"predicateType":"https://model_signing/signature/v1.0",\
            "predicate":{"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false},\
            "resources":[{"name":".","algorithm":"sha256","digest":"\(digest)"}]}}
            """
        #expect(String(decoding: statement.payload, as: UTF8.self) == text)
    }

    /// Names and what is left out have one order, and tensors are those of the content digest.
    @Test func aDirectorysFilesAndTensorsAreToldInOrder() throws {
        let statement = try Signatures.statement(of: Signatures.model, ignoring: ["sub/notes.txt", "a"])
        let document = try JSONValue(parsing: statement.payload.span)
        let predicate = try #require(document["predicate"])
        #expect(predicate["resources"]?.array?.compactMap { $0["name"]?.string } == ["config.json", "model.safetensors", "sub-notes.txt"])
        #expect(
            predicate["serialization"]?["ignore_paths"]?.array?.compactMap(\.string)
                == [".git", ".gitattributes", ".github", ".gitignore", "a", "sub/notes.txt"])
        let tensors = try #require(predicate["excise.tensors"]?["model.safetensors"]?.object?.members)
        let leaves = try tensors.map { (name: $0.name, leaf: try #require(SHA256Digest(hexadecimal: $0.value.string ?? ""))) }
        let content = try Checkpoint(file: InputFile(Signatures.model.appending("model.safetensors"))).contentDigest()
        #expect(leaves.count == 2 && CheckpointDigests.root(of: leaves) == content)
        let folder = try Signatures.statement(of: Signatures.model)
        let order = try JSONValue(parsing: folder.payload.span)["predicate"]?["resources"]?.array?.compactMap { $0["name"]?.string }
        #expect(order?.suffix(2) == ["sub/notes.txt", "sub-notes.txt"], "a folder's files stand before those whose names go on")
    }

    @Test func theSameFilesGiveTheSameBytes() throws {
        let first = try Signatures.statement(of: Signatures.model).payload
        try Signatures.withModel { copy in
            let second = try Signatures.statement(of: copy).payload
            #expect(first == second)
        }
    }

    private static let sound = """
        {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":\
        "\(SHA256Hasher.digest(of: [UInt8](repeating: 0, count: 64)))"}}],\
        "predicateType":"https://model_signing/signature/v1.0","predicate":\
        {"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":["x"]},"resources":[{"name":"a",\
        "algorithm":"sha256","digest":"\(String(repeating: "0", count: 64))"},{"name":"b/c","algorithm":"sha256",\
        "digest":"\(String(repeating: "0", count: 64))"}],\
        "excise.tensors":{"a":{"t":"\(String(repeating: "1", count: 64))"}},"further":[1]},"more":{}}
        """

    /// What other members say is passed over.
    @Test func isReadWithWhatIsNotKnown() throws {
        let statement = try Signatures.sign(Self.sound).statement()
        #expect(statement.name == "m" && statement.resources.count == 2 && statement.tensorCount == 1 && statement.ignored.names == ["x"])
    }

    /// Each member that is not what it should be is named.
    @Test(arguments: [
        ("in-toto.io/Statement/v1", "in-toto.io/Statement/v0", "_type", Fault.malformedInput),
        ("signature/v1.0", "signature/v2.0", "predicateType", .unsupported),
        ("https://model_signing/signature/v1.0", "https://model_signing/Digests/v0.1", "predicateType", .unsupported),
        (#""method":"files""#, #""method":"other""#, "whole files", .unsupported),
        (#""hash_type":"sha256""#, #""hash_type":"blake3""#, "SHA-256", .unsupported),
        (#""allow_symlinks":false"#, #""allow_symlinks":0"#, "allow_symlinks", .malformedInput),
        (#"["x"]"#, #"["../x"]"#, "ignore_paths", .malformedInput), (#"["x"]"#, #"["."]"#, "ignore_paths", .malformedInput),
        (#"["x"]"#, #"[1]"#, "ignore_paths", .malformedInput), (#"["x"]"#, #"7"#, "ignore_paths", .malformedInput),
        (#""name":"a""#, #""name":"/etc/passwd""#, "/etc/passwd", .malformedInput),
        (#""name":"a""#, #""name":"../a""#, "../a", .malformedInput), (#""name":"a""#, #""name":"b/../a""#, "b/../a", .malformedInput),
        (#""name":"a""#, #""name":"a/""#, "a/", .malformedInput), (#""name":"a""#, #""name":"b//c""#, "b//c", .malformedInput),
        (#""name":"a""#, #""name":"""#, "resource", .malformedInput), (#""name":"a""#, #""name":".""#, "resource", .malformedInput),
        (#""name":"a""#, #""name":"a\u0000""#, "resource", .malformedInput), (#""name":"a""#, #""name":"b/c""#, "twice", .malformedInput),
        (#""name":"a""#, #""name":7"#, "name", .malformedInput),
        (#""algorithm":"sha256""#, #""algorithm":"md5""#, "SHA-256", .malformedInput),
        (#""digest":"0"#, #""digest":"g"#, "SHA-256", .malformedInput),
        (#""digest":"0"#, #""digest":"1"#, "another digest", .malformedInput),
        (#""resources":["#, #""resources":[],"x":["#, "resources", .malformedInput),
        (#""resources":["#, #""other":["#, "resources", .malformedInput),
        (#""subject":["#, #""subject":[{"name":"n"},"#, "subject", .malformedInput),
        (#""subject":["#, #""subject":[],"x":["#, "subject", .malformedInput),
        (#"{"a":{"t""#, #"{"z":{"t""#, "excise.tensors", .malformedInput),
        (#"{"a":{"t""#, #"{"a":{"t":"","u""#, "excise.tensors", .malformedInput),
        (#"{"a":{"t":"#, #"{"a":{"t":"","t":"#, "excise.tensors", .malformedInput),
        (#"{"a":{"#, #"{"a":7,"b":{"#, "excise.tensors", .malformedInput),
        (#""predicate":{"#, #""predicate":[],"x":{"#, "predicate", .malformedInput),
        (#""serialization":{"#, #""other":{"#, "serialization", .malformedInput),
        (#","more":{}}"#, #","more":{}"#, "JSON", .malformedInput), (#"{"_type""#, #"["_type""#, "object", .malformedInput),
    ])
    func refusesWhatIsMalformed(_ found: String, _ replacement: String, _ word: String, _ expected: Fault) throws {
        let sound = Self.sound
        let range = try #require(sound.ranges(of: found).first)
        let bundle = try Signatures.sign(String(sound[..<range.lowerBound]) + replacement + sound[range.upperBound...])
        _ = try bundle.check(with: Signatures.privateKey().publicKey)
        let error = try fault { _ = try bundle.statement() }
        #expect(error.fault == expected && error.description.contains(word), "\(error)")
    }
}
