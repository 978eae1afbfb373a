import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// What the folder tree promises.
@Suite struct StructureTests {
    private static let sources = Fixture.project.appending("Sources")

    private func files() throws -> [(module: String, name: String, text: String)] {
        try FileSystem.names(in: Self.sources).flatMap { module in
            try swiftFiles(in: Self.sources.appending(module)).map { path in
                (module, path.lastComponent?.string ?? "", String(decoding: try InputFile.contents(of: path), as: UTF8.self))
            }
        }
    }

    private func swiftFiles(in directory: FilePath) throws -> [FilePath] {
        try FileSystem.names(in: directory).map { directory.appending($0) }.flatMap { path in
            FileSystem.kind(of: path) == .directory ? try swiftFiles(in: path) : path.extension == "swift" ? [path] : []
        }
    }

    /// Of libarchive, one file has its half that reads and one its half that writes: they share nothing but the name. A third has its
    /// streams in memory.
    @Test func eachSystemLibraryIsImportedByItsOwnFile() throws {
        let all = try files()
        for (library, files) in [
            ("COpenBLAS", ["LinearAlgebra.swift"]), ("CArchive", ["ArchiveReader.swift", "ArchiveWriter.swift", "Zstandard.swift"]),
            ("CJSONC", ["JSONParser.swift"]), ("CPCRE2", ["RegularExpression.swift"]),
            (
                "COpenSSL",
                ["Certificate.swift", "PEM.swift", "PrivateKey.swift", "PublicKey.swift", "TrustedCertificates.swift", "Digest.swift"]
            ),
            ("CZlib", ["ZlibCompression.swift"]), ("CLinux", ["FileSystem.swift", "ProcessAccount.swift"]),
        ] {
            #expect(all.filter { $0.text.contains("import \(library)\n") }.map(\.name) == files)
        }
    }

    /// Dependencies point one way; Surgery and Verification never see each other.
    @Test func modulesImportOnlyWhatLiesBelow() throws {
        let below: [String: Set<String>] = [
            "Storage": [], "Tensors": [], "Checkpoints": ["Storage", "Tensors"], "Tokenizers": ["Storage"],
            "Comparison": ["Checkpoints", "Storage", "Tensors"], "Patches": ["Checkpoints", "Storage", "Tensors"],
            "Signing": ["Checkpoints", "Storage", "Tensors"],
            "Transformer": ["Checkpoints", "Storage", "Tensors"], "Surgery": ["Checkpoints", "Storage", "Tensors", "Transformer"],
            "Verification": ["Checkpoints", "Storage", "Tensors", "Tokenizers", "Transformer"],
        ]
        for file in try files() {
            guard let allowed = below[file.module] else { continue }
            for module in below.keys where !allowed.contains(module) {
                #expect(!file.text.contains("import \(module)\n"), "\(file.module)/\(file.name) imports \(module)")
            }
            #expect(!file.text.contains("import Foundation"), "\(file.name)")
        }
    }

    /// Memory is handled without the compiler's checks in these files only.
    @Test func unsafeCodeIsFenced() throws {
        let fence: Set<String> = [
            "ArchiveReader.swift", "ArchiveWriter.swift", "CharacterLocale.swift", "Digest.swift", "FilePages.swift", "FileSystem.swift",
            "InputFile.swift",
            "JSONString.swift",
            "JSONParser.swift",
            "Certificate.swift", "PEM.swift", "PrivateKey.swift", "PublicKey.swift", "TrustedCertificates.swift",
            "ScratchFile.swift",
            "ElementaryFunctions.swift", "LinearAlgebra.swift", "Matrix.swift", "RowParallel.swift", "StoredScalar.swift", "Lanes.swift",
            "RegularExpression.swift",
            "Environment.swift", "ProcessAccount.swift", "StoredPairs.swift", "Streams.swift", "WordDifference.swift",
            "ZlibCompression.swift",
            "Zstandard.swift",
        ]
        let users = try files().filter { $0.text.contains("unsafe ") && !$0.text.contains("/// unsafe ") }.map(\.name)
        #expect(Set(users).subtracting(fence).isEmpty, "\(Set(users).subtracting(fence))")
    }
}
