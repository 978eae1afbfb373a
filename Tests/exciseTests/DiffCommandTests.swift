import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct DiffCommandTests {
    private static let fixtures = Fixture.directory.appending("diff")
    private static let pair = [fixtures.appending("before.safetensors").string, fixtures.appending("after.safetensors").string]

    private func diff(_ arguments: [String]) throws -> ExciseBinary.Result {
        try ExciseBinary.run(["diff"] + arguments + ["--progress", "none"])
    }

    @Test func aModelIsIdenticalToItself() throws {
        let found = try diff([Quickstart.model, Quickstart.model + "/model.safetensors", "--json"])
        #expect(found.status == 0 && found.errors.isEmpty)
        let report = try found.json()
        try JSONSchema("diff").check(report)
        #expect(report["identical"]?.boolean == true && report["exit_code"]?.integer == 0)
        #expect(report["inputs"]?.array?.compactMap { $0["sha256"]?.string }.count == 2)
        #expect(try diff([Quickstart.model, Quickstart.model]).output == "38 tensors: 38 equal.\n")
    }

    @Test func whatDiffersIsReported() throws {
        let found = try diff(Self.pair + ["--json", "--no-digest"])
        #expect(found.status == 1)
        let report = try found.json()
        try JSONSchema("diff").check(report)
        #expect(report["identical"]?.boolean == false && report["counts"]?["changed"]?.integer == 25)
        #expect(report["inputs"]?.array?.allSatisfy { $0["sha256"]?.isNull == true } == true)
        let table = try diff(Self.pair + ["--top", "3"])
        #expect(table.status == 1)
        #expect(table.output.hasSuffix("\n22 more differ; --top shows more.\n26 tensors: 1 equal, 25 changed.\n"))
        #expect(table.output.split(separator: "\n")[1].hasPrefix("layers.8.integers"))
    }

    @Test func csvAndMarkdownAreTables() throws {
        let lines = try diff(Self.pair + ["--csv"]).output.components(separatedBy: "\r\n")
        #expect(lines.count == 28 && lines[0].hasPrefix("name,status,layer,kind,dtype_before,"))
        #expect(try diff(Self.pair + ["--markdown"]).output.hasPrefix("| tensor | status | changed |"))
    }

    /// The largest but one relative change of the fixtures is 99; a NaN that was not there breaks every bound.
    @Test func aThresholdDecides() throws {
        let (old, new) = (Fixture.directory.appending("llama-bf16").string, Fixture.directory.appending("llama-bf16").string)
        #expect(try diff([old, new, "--only-stat", "relative_l2", "--threshold", "0"]).status == 0)
        let found = try diff(Self.pair + ["--only-stat", "relative_l2", "--threshold", "50", "--json", "--no-digest"])
        #expect(found.status == 1)
        let exceeding = try found.json()["gate"]?["exceeding"]?.array?.compactMap(\.string) ?? []
        #expect(
            exceeding.sorted() == [
                "layers.2.hole.BF16", "layers.2.hole.F16", "layers.2.hole.F32", "layers.7.scaled.F32", "layers.8.integers",
            ])
    }

    /// A page and pictures appear whole, and what is there is not replaced unasked.
    @Test func picturesAreWritten() throws {
        let directory = try WorkingDirectory()
        let outputs = ["--svg", directory.path.appending("pictures").string, "--html", directory.path.appending("page.html").string]
        #expect(try diff(Self.pair + outputs).status == 1)
        #expect(directory.names == ["page.html", "pictures"])
        #expect(try FileSystem.names(in: directory.path.appending("pictures")).count == 4)
        #expect(try diff(Self.pair + outputs).status == 73)
        #expect(try diff(Self.pair + outputs + ["--force"]).status == 1)
        let report = try diff(Self.pair + ["--json", "--no-digest", "--distributions", "--spectra", "--tails"]).json()
        try JSONSchema("diff").check(report)
        #expect(report["tensors"]?.array?.contains { $0["spectra"]?["tails"]?.isNull == false } == true)
        #expect(report["kinds"]?.array?.contains { $0["distribution"] != nil } == true)
    }

    @Test(arguments: [
        ["--threshold", "1"], ["--only-stat", "size"], ["--json", "--csv"], ["--top", "-1"], ["--only-stat", "rms", "--threshold", "nan"],
    ])
    func wrongUsageIsRefused(_ arguments: [String]) throws {
        let result = try diff(Self.pair + arguments)
        #expect(result.status == 64)
    }

    @Test func whatCannotBeReadIsNamed() throws {
        let missing = try diff([Self.pair[0], "nowhere.safetensors"])
        #expect(missing.status == 66 && missing.errors == "excise: There is no nowhere.safetensors.\n")
        let directory = try WorkingDirectory()
        let broken = try directory.write("b.safetensors", "12345678")
        #expect(try diff([Self.pair[0], broken]).status == 65)
    }
}
