import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

struct HubCacheTests {
    private let commit = "0123456789abcdef0123456789abcdef01234567"

    /// A cache with one model, laid out as the hub's own client does: files in blobs, links to them in a snapshot.
    private func withCache(_ body: (_ root: FilePath, _ repository: FilePath) throws -> Void) throws {
        try withScratchDirectory { root in
            let repository = root.appending("models--owner--name")
            let snapshot = repository.appending("snapshots").appending(commit)
            for directory in ["blobs", "refs", "snapshots/" + commit] {
                try FileManager.default.createDirectory(
                    atPath: repository.pushing(FilePath(directory)).string, withIntermediateDirectories: true)
            }
            try write(Array("{}".utf8), to: repository.appending("blobs").appending("aa"))
            try write(Array(commit.utf8), to: repository.appending("refs").appending("main"))
            try FileManager.default.createSymbolicLink(
                atPath: snapshot.appending("config.json").string, withDestinationPath: "../../blobs/aa")
            try body(root, repository)
        }
    }

    private func cache(_ root: FilePath) -> HubCache { HubCache { $0 == "HF_HUB_CACHE" ? root.string : nil } }

    @Test func findsAModelByItsName() throws {
        try withCache { root, _ in
            for name in ["owner/name", "owner/name@main", "owner/name@\(commit)"] {
                let files = try cache(root).snapshot(of: name)
                #expect(files.names == ["config.json"])
                #expect(try files.file("config.json").contents() == Array("{}".utf8))
            }
        }
    }

    @Test(arguments: ["other/name", "owner/name@v2", "owner/name@ffff"])
    func missesWhatIsNotThere(_ name: String) throws {
        try withCache { root, _ in
            let error = try #require(throws: StorageError.self) { try cache(root).snapshot(of: name) }
            #expect(error.kind == "missing-file")
            #expect(error.fault == .missingInput)
        }
    }

    @Test func refusesALinkThatLeadsOut() throws {
        try withCache { root, repository in
            let link = repository.appending("snapshots").appending(commit).appending("secret")
            try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: "/etc/passwd")
            let error = try #require(throws: StorageError.self) { try cache(root).snapshot(of: "owner/name") }
            #expect(error.kind == "escaping-link")
            #expect(error.description.contains("secret"))
        }
    }

    /// A reference is a file from the cache, which may have been made by anyone.
    @Test(arguments: ["../../../..", "..", "", "a/b", "x\u{0}y"])
    func refusesAReferenceThatIsNoName(_ contents: String) throws {
        try withCache { root, repository in
            FileSystem.remove(repository.appending("refs").appending("main"))
            try write(Array(contents.utf8), to: repository.appending("refs").appending("main"))
            let error = try #require(throws: StorageError.self) { try cache(root).snapshot(of: "owner/name") }
            #expect(error.kind == "missing-file")
        }
    }

    @Test(arguments: [
        ("owner/name", true), ("a/b.c-d_e", true), ("owner/name@main", true), ("owner/name@refs/pr/1", true), ("name", false),
        ("a/b/c", false), ("../b", false), ("a/..", false), ("/b", false), ("a/", false), ("a--b/c", false), ("a b/c", false),
        ("a/b@", false), ("a/b@../x", false), ("", false),
    ])
    func knowsNames(_ text: String, _ isName: Bool) { #expect(HubCache.isName(text) == isName) }

    @Test func looksWhereTheEnvironmentSays() {
        func root(_ variables: [String: String]) -> String? { HubCache { variables[$0] }.root?.string }
        #expect(root(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
        #expect(root(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/huggingface/hub")
        #expect(root(["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "/f"]) == "/f/hub")
        #expect(root(["HOME": "/h", "HF_HOME": "/f", "HF_HUB_CACHE": "/c"]) == "/c")
        #expect(root([:]) == nil)
    }
}
