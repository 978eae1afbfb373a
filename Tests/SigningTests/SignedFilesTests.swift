import Foundation
import Signing
import Storage
import SystemPackage
import TestSupport
import Testing

struct SignedFilesTests {
    private func link(_ path: FilePath, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target)
    }

    /// A link to a file is signed where that is allowed, as what it leads to; one to anything else never is.
    @Test func linksAreRefusedUnlessAllowed() throws {
        try Signatures.withModel { model in
            let plain = try Signatures.statement(of: model).digest
            let config = model.appending("config.json")
            try write(InputFile.contents(of: config), to: model.removingLastComponent().appending("blob"))
            FileSystem.remove(config)
            try link(config, to: "../blob")
            let refused = try fault { _ = try Signatures.statement(of: model) }
            #expect(
                refused.fault == .malformedInput && refused.description.contains("config.json")
                    && refused.description.contains("--allow-symlinks"))
            let allowed = try Signatures.statement(of: model, allowingLinks: true)
            #expect(allowed.digest == plain)
            for target in ["sub", "nowhere", "odd"] {
                try link(model.appending("odd"), to: target)
                let error = try fault { _ = try Signatures.statement(of: model, allowingLinks: true) }
                #expect(error.kind == "unsignable" && error.description.contains("\"odd\""), "\(error)")
                FileSystem.remove(model.appending("odd"))
            }
        }
    }

    @Test func onlyFilesCanBeSigned() throws {
        try Signatures.withModel { model in
            _ = unsafe mkfifo(model.appending("pipe").string, 0o600)
            let error = try fault { _ = try Signatures.statement(of: model) }
            #expect(error.kind == "unsignable" && error.description.contains("pipe"), "\(error)")
            let pipe = try fault { _ = try Signatures.statement(of: model.appending("pipe")) }
            #expect(pipe.kind == "not-a-file")
            let missing = try fault { _ = try Signatures.statement(of: model.appending("nowhere")) }
            #expect(missing.fault == .missingInput)
            let empty = model.appending("empty")
            try FileSystem.createDirectory(empty)
            let none = try fault { _ = try Signatures.statement(of: empty) }
            #expect(none.kind == "unsignable")
            // What is left out may be anything.
            _ = try Signatures.statement(of: model, ignoring: ["pipe"])
        }
    }

    /// A file of tensors that is none is told of, not signed as bytes.
    @Test func aMalformedSafetensorsFileIsNamed() throws {
        try Signatures.withModel { model in
            try write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), to: model.appending("model.safetensors"))
            let error = try fault { _ = try Signatures.statement(of: model) }
            #expect(error.kind == "lfs-pointer", "\(error)")
        }
    }

    @Test func directoriesMayNotBeTooDeep() throws {
        try Signatures.withModel { model in
            var path = model
            for _ in 0..<70 {
                path.append("d")
                try FileSystem.createDirectory(path)
            }
            let deep = try fault { _ = try Signatures.statement(of: model) }
            #expect(deep.description.contains("64 directories deep"))
        }
    }

    @Test func aSignatureHasAPlaceInADirectoryOrNone() throws {
        try Signatures.withModel { model in
            #expect(try SignedFiles.place(of: model.appending("model.sig"), in: model) == "model.sig")
            #expect(try SignedFiles.place(of: model.appending("sub/../sub/model.sig"), in: model) == "sub/model.sig")
            #expect(try SignedFiles.place(of: model.removingLastComponent().appending("model.sig"), in: model) == nil)
            #expect(try SignedFiles.place(of: model.appending("model.sig"), in: model.appending("config.json")) == nil)
            let nowhere = try fault { _ = try SignedFiles.place(of: model.appending("no/model.sig"), in: model) }
            #expect(nowhere.fault == .cannotCreate)
        }
    }

    @Test func theNameIsTheLastPartOfThePath() throws {
        let ignored = try IgnoredPaths([])
        #expect(try SignedFiles(Signatures.model, ignoring: ignored).name == "model")
        #expect(try SignedFiles(Signatures.model.appending("sub/.."), ignoring: ignored).name == "model")
        #expect(try SignedFiles(Signatures.model.appending("config.json"), ignoring: ignored).name == "config.json")
    }
}

struct IgnoredPathsTests {
    @Test func areKeptInOrderAndOnce() throws {
        #expect(try IgnoredPaths(["b", "a/c", "b", "a"]).names == ["a", "a/c", "b"])
        #expect(try IgnoredPaths(files: Signatures.model, ["a"]).names == [".git", ".gitattributes", ".github", ".gitignore", "a"])
        #expect(try IgnoredPaths(files: Signatures.model.appending("config.json"), []).names.isEmpty)
    }

    @Test(arguments: ["", "/", "/a", "a/", "a//b", ".", "./a", "a/.", "..", "../a", "a/../b", "a\0"])
    func leadNowhereElse(_ name: String) throws {
        let outside = try fault { _ = try IgnoredPaths([name]) }
        #expect(outside.fault == .usage)
    }

    /// All beneath a path goes with it, and nothing whose name only begins like it.
    @Test func takeWhatLiesBeneath() throws {
        let names = { (ignored: [String]) in
            let payload = try Signatures.statement(of: Signatures.model, ignoring: ignored).payload
            return try JSONValue(parsing: payload.span)["predicate"]?["resources"]?.array?.compactMap { $0["name"]?.string } ?? []
        }
        #expect(try names(["sub"]) == ["config.json", "model.safetensors", "sub-notes.txt"])
        #expect(try names(["su", "config.jso", "config.json/x"]).count == 4)
    }
}
