import Checkpoints
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// `sign` and `check-signature` as a user has them, with the keys of make_signatures.py.
@Suite struct SignatureCommandTests {
    private static let keys = Fixture.directory.appending("signatures/keys")
    private let place: WorkingDirectory

    init() throws {
        place = try WorkingDirectory()
        _ = try place.copy(Fixture.directory.appending("signatures/model"), as: "model")
    }

    private static func key(_ name: String) -> String { keys.appending(name + ".pem").string }

    private func run(_ arguments: String...) throws -> ExciseBinary.Result {
        try ExciseBinary.run(arguments + ["--progress", "none"], in: place.path)
    }

    private func report(_ result: ExciseBinary.Result, _ command: String, status: Int32 = 0) throws -> JSONValue {
        #expect(result.status == status, "\(result.errors)")
        let report = try result.json()
        try JSONSchema(result.status == status && report["error"] == nil ? command : "error").check(report)
        return report
    }

    @Test(arguments: ["p256", "p384", "p521"])
    func whatIsSignedIsChecked(_ name: String) throws {
        let signed = try report(run("sign", "model", "--key", Self.key(name), "--output", "model/model.sig", "--json"), "sign")
        #expect(signed["files"]?.integer == 4 && signed["tensors"]?.integer == 2)
        let arguments = ["check-signature", "model", "model/model.sig", "--public-key", Self.key(name + ".pub"), "--progress", "none"]
        let checked = try report(ExciseBinary.run(arguments + ["--json"], in: place.path), "check-signature")
        #expect(checked["passed"]?.boolean == true && checked["mismatches"]?.array?.isEmpty == true)
        #expect(checked["payload_sha256"]?.string == signed["payload_sha256"]?.string)
        let shown = try ExciseBinary.run(arguments, in: place.path)
        #expect(shown.status == 0 && shown.output.contains("signed          \"model\": 4 files, 2 tensors"), "\(shown.output)")
        // Signed again, it is the same statement; the signature itself is another one.
        let again = try report(run("sign", "model", "--key", Self.key(name), "--output", "model/model.sig", "--force", "--json"), "sign")
        #expect(again["payload_sha256"]?.string == signed["payload_sha256"]?.string)
    }

    @Test func aCertificateIsChecked() throws {
        let signed = try report(
            run(
                "sign", "model", "--key", Self.key("p256"), "--certificate", Self.key("leaf.crt"), "--chain", Self.key("intermediate.crt"),
                "--output", "model.sig", "--json"), "sign")
        #expect(signed["signer"]?["certificate"]?["subject"]?.string == "CN=Test Signer")
        let checked = try run("check-signature", "model", "model.sig", "--trust", Self.key("root.crt"))
        #expect(checked.status == 0 && checked.output.contains("CN=Test Signer"), "\(checked.errors)")
        let other = try report(
            run("check-signature", "model", "model.sig", "--trust", Self.key("other-root.crt"), "--json"), "error", status: 76)
        #expect(other["error"]?["kind"]?.string == "untrusted-certificate")
    }

    /// 76, with the tensor's or the file's name, in the report and on standard error.
    @Test func whatDoesNotMatchIsNamed() throws {
        _ = try run("sign", "model", "--key", Self.key("p256"), "--output", "model.sig")
        let path = place.path.appending("model/model.safetensors")
        var bytes = try InputFile.contents(of: path)
        bytes[bytes.count - 1] ^= 1
        try write(bytes, to: path)
        _ = try place.write("model/new.txt", "new")
        let result = try run("check-signature", "model", "model.sig", "--public-key", Self.key("p256.pub"), "--json")
        let found = try #require(try report(result, "check-signature", status: 76)["mismatches"]?.array)
        #expect(found.map { $0["kind"]?.string } == ["tensor-changed", "file-unsigned"])
        let tensor = try #require(found.first?["tensor"]?.string)
        #expect(
            result.errors.contains("model is not what was signed: tensor \"\(tensor)\" in \"model.safetensors\"")
                && result.errors.contains("and 1 more"))
        let shown = try run("check-signature", "model", "model.sig", "--public-key", Self.key("p256.pub"), "--ignore", "new.txt")
        #expect(shown.status == 76 && shown.output.contains("mismatch        tensor \"\(tensor)\""), "\(shown.output)")
        let key = try report(
            run("check-signature", "model", "model.sig", "--public-key", Self.key("p384.pub"), "--json"), "error", status: 76)
        #expect(key["error"]?["kind"]?.string == "other-key")
    }

    /// A patch and a report are files like any other; of a patch the tensors are known too.
    @Test func patchesAndReportsAreSigned() throws {
        let base = Fixture.directory.appending("patch/base.safetensors").string
        _ = try run("patch", "create", base, Fixture.directory.appending("patch/result.safetensors").string, "--output", "p.safetensors")
        try write(Array(run("inspect", base, "--json").output.utf8), to: place.path.appending("report.json"))
        for (file, tensors) in [("p.safetensors", true), ("report.json", false)] {
            let signed = try report(run("sign", file, "--key", Self.key("p256"), "--output", file + ".sig", "--json"), "sign")
            #expect((signed["tensors"]?.integer ?? 0 > 0) == tensors && signed["subject"]?["name"]?.string == file)
            #expect(try run("check-signature", file, file + ".sig", "--public-key", Self.key("p256.pub")).status == 0)
            var bytes = try InputFile.contents(of: place.path.appending(file))
            bytes[bytes.count - 1] ^= 1
            try write(bytes, to: place.path.appending(file))
            let changed = try run("check-signature", file, file + ".sig", "--public-key", Self.key("p256.pub"))
            #expect(changed.status == 76 && changed.errors.contains(tensors ? "tensor \"" : "\"report.json\""), "\(changed.errors)")
        }
    }

    /// Each with its code and the name of what is wrong, and nothing is written.
    @Test func refusesWhatItCannotSign() throws {
        let names = place.names
        for (options, status, word) in [
            (["--key", "nowhere"], 66, "nowhere"), (["--key", Self.key("rsa")], 69, "P-256"),
            (["--key", Self.key("p256.pub")], 65, "private key"),
            (["--key", Self.key("p256-encrypted")], 64, "--passphrase-file"),
            (["--key", Self.key("p256"), "--chain", "x"], 64, "--certificate"),
            (["--key", Self.key("p256"), "--certificate", Self.key("root.crt")], 64, "not one of the key"),
            (["--key", Self.key("p256"), "--certificate", Self.key("p256")], 65, "no certificate"),
            (["--key", Self.key("p256"), "--ignore", "../x"], 64, "--ignore"),
        ] as [([String], Int32, String)] {
            let result = try ExciseBinary.run(["sign", "model", "--output", "s", "--progress", "none"] + options, in: place.path)
            #expect(result.status == status && result.errors.contains(word), "\(result.status) \(result.errors)")
        }
        #expect(try run("sign", "nowhere", "--key", Self.key("p256"), "--output", "s").status == 66)
        #expect(try run("sign", "model", "--key", Self.key("p256"), "--output", "no/s").status == 73)
        #expect(try run("sign", "model", "--key", Self.key("p256"), "--output", "model/config.json").status == 73)
        let itself = try run("sign", "model/config.json", "--key", Self.key("p256"), "--output", "model/config.json", "--force")
        #expect(itself.status == 64)
        #expect(place.names == names)
        for options in [[], ["--public-key", "x", "--trust", "y"]] {
            #expect(try ExciseBinary.run(["check-signature", "model", "model.sig"] + options, in: place.path).status == 64)
        }
        #expect(try run("check-signature", "model", "model/config.json", "--public-key", Self.key("p256.pub")).status == 65)
        #expect(try run("check-signature", "model", "nowhere", "--public-key", Self.key("p256.pub")).status == 66)
    }

    @Test func anEncryptedKeySigns() throws {
        let passphrase = Self.keys.appending("p256-encrypted.passphrase").string
        _ = try report(
            run("sign", "model", "--key", Self.key("p256-encrypted"), "--passphrase-file", passphrase, "--output", "s", "--json"), "sign")
        #expect(try run("check-signature", "model", "s", "--public-key", Self.key("p256.pub")).status == 0)
    }
}
