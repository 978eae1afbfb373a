import Checkpoints
import Foundation
import Signing
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What is not as it was signed is named: the tensor where there is one, otherwise the file.
struct FileCheckTests {
    /// Signs the model, changes something, and gives what is found then.
    private func found(
        allowingUnsigned: Bool = false, allowingLinks: Bool = false, after change: (FilePath) throws -> Void
    ) throws -> [Mismatch] {
        try Signatures.withModel { model in
            let statement = try Signatures.statement(of: model, allowingLinks: allowingLinks)
            try change(model)
            return try SignedFiles(model, ignoring: statement.ignored).mismatches(
                with: statement, of: "model.sig", allowingUnsigned: allowingUnsigned)
        }
    }

    private func rewrite(_ model: FilePath, _ tensors: [(TensorDescription, [UInt8])], metadata: [(name: String, value: String)]? = nil)
        throws
    {
        let header = SafetensorsLayout(tensors.map(\.0), metadata: metadata).header
        try write(header + tensors.flatMap(\.1), to: model.appending("model.safetensors"))
    }

    private func tensors(_ model: FilePath) throws -> [(TensorDescription, [UInt8])] {
        let file = try InputFile(model.appending("model.safetensors"))
        return try SafetensorsHeader(of: file).tensors.map { ($0.description, try file.bytes(at: $0.offset, count: $0.byteCount)) }
    }

    @Test func nothingWhereNothingChanged() throws {
        let mismatches = try found { _ in }
        #expect(mismatches.isEmpty)
    }

    /// Every byte of every tensor.
    @Test func aTensorIsNamed() throws {
        for name in ["norm.weight", "head.weight"] {
            let mismatches = try found { model in
                let file = try InputFile(model.appending("model.safetensors"))
                let tensor = try #require(SafetensorsHeader(of: file).tensors.first { $0.name == name })
                var bytes = try InputFile.contents(of: file.path)
                bytes[tensor.offset + tensor.byteCount - 1] ^= 1
                try write(bytes, to: file.path)
            }
            #expect(
                mismatches.map(\.kind) == [.tensorChanged] && mismatches.first?.tensor == name
                    && mismatches.first?.file == "model.safetensors")
            #expect(mismatches.first.map { $0.expected != $0.found } == true)
            #expect("\(mismatches)".contains("tensor \"\(name)\" in \"model.safetensors\" is not the one that was signed"))
        }
    }

    /// The same bytes as another dtype are another tensor.
    @Test func aTensorsDtypeIsPartOfIt() throws {
        let mismatches = try found { model in
            let changed = try tensors(model).map { tensor, bytes in
                (TensorDescription(name: tensor.name, dtype: tensor.dtype == .f16 ? .bf16 : tensor.dtype, shape: tensor.shape), bytes)
            }
            try rewrite(model, changed, metadata: [("format", "pt")])
        }
        #expect(mismatches.map(\.kind) == [.tensorChanged] && mismatches.first?.tensor == "head.weight")
    }

    @Test func tensorsThatComeAndGoAreNamed() throws {
        let mismatches = try found { model in
            let kept = try tensors(model).filter { $0.0.name == "norm.weight" }
            try rewrite(model, kept + [(TensorDescription(name: "new", dtype: .u8, shape: [1]), [7])])
        }
        #expect(mismatches.map(\.kind) == [.tensorMissing, .tensorUnsigned] && mismatches.map(\.tensor) == ["head.weight", "new"])
    }

    @Test func aHeaderIsNamed() throws {
        let mismatches = try found { try rewrite($0, tensors($0), metadata: [("format", "np")]) }
        #expect(mismatches.map(\.kind) == [.headerChanged] && mismatches.first?.file == "model.safetensors")
    }

    @Test func aFileThatIsNoLongerReadableIsNamed() throws {
        let mismatches = try found { model in
            try write(InputFile.contents(of: model.appending("model.safetensors")).dropLast(), to: model.appending("model.safetensors"))
        }
        #expect(mismatches.map(\.kind) == [.fileUnreadable] && "\(mismatches)".contains("ends"), "\(mismatches)")
    }

    @Test func filesAreNamedInOrder() throws {
        let change = { (model: FilePath) in
            try write(Array("{}".utf8), to: model.appending("config.json"))
            FileSystem.remove(model.appending("sub"))
            try write([1], to: model.appending("new.bin"))
            try FileSystem.createDirectory(model.appending(".git"))
            try write([1], to: model.appending(".git/HEAD"))
        }
        let mismatches = try found(after: change)
        #expect(mismatches.map(\.kind) == [.fileChanged, .fileMissing, .fileUnsigned])
        #expect(mismatches.map(\.file) == ["config.json", "sub/notes.txt", "new.bin"])
        #expect(try found(allowingUnsigned: true, after: change).map(\.kind) == [.fileChanged, .fileMissing])
    }

    /// The same bytes through a link are not what was signed, unless links were.
    @Test func aLinkIsNamed() throws {
        let change = { (model: FilePath) in
            let (config, blob) = (model.appending("config.json"), model.removingLastComponent().appending("blob"))
            try FileSystem.rename(config, to: blob)
            try FileManager.default.createSymbolicLink(atPath: config.string, withDestinationPath: "../blob")
        }
        #expect(try found(after: change).map(\.kind) == [.fileLinked])
        #expect(try found(allowingLinks: true, after: change).isEmpty)
        let directory = try found(allowingLinks: true) { model in
            FileSystem.remove(model.appending("config.json"))
            try FileManager.default.createSymbolicLink(atPath: model.appending("config.json").string, withDestinationPath: "sub")
        }
        #expect(directory.map(\.kind) == [.fileUnreadable])
    }

    /// A file whose name is canonically equivalent is another file.
    @Test func namesGoByTheirBytes() throws {
        let mismatches = try found { model in
            try write([1], to: model.appending("e\u{301}"))
            let statement = try Signatures.statement(of: model)
            FileSystem.remove(model.appending("e\u{301}"))
            try write([1], to: model.appending("\u{E9}"))
            let kinds = try SignedFiles(model, ignoring: statement.ignored).mismatches(with: statement, of: "model.sig").map(\.kind)
            #expect(kinds == [.fileMissing, .fileUnsigned])
        }
        #expect(mismatches.map(\.kind) == [.fileUnsigned])
    }

    @Test func aSingleFileIsCalledByItsName() throws {
        try Signatures.withModel { model in
            let config = model.appending("config.json")
            let statement = try Signatures.statement(of: config)
            let ignored = try IgnoredPaths([])
            #expect(try SignedFiles(config, ignoring: ignored).mismatches(with: statement, of: "s").isEmpty)
            let other = try SignedFiles(model.appending("sub-notes.txt"), ignoring: ignored).mismatches(with: statement, of: "s")
            #expect(other.map(\.kind) == [.fileChanged] && other.first?.file == "sub-notes.txt")
            let folder = try fault { _ = try SignedFiles(model, ignoring: ignored).mismatches(with: statement, of: "s") }
            #expect(folder.fault == .digestMismatch && folder.description.contains("is a signature of a single file"))
            let whole = try Signatures.statement(of: model)
            let file = try fault { _ = try SignedFiles(config, ignoring: ignored).mismatches(with: whole, of: "s") }
            #expect(file.fault == .digestMismatch && file.description.contains("is a signature of a directory"))
        }
    }
}
