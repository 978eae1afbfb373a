import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// What the documentation shows is run as it stands there.
@Suite struct DocumentationTests {
    @Test func everyCommandOfTheReadmeWorks() throws {
        let readme = String(decoding: try InputFile.contents(of: Fixture.project.appending("README.md")), as: UTF8.self)
        let blocks = readme.components(separatedBy: "```sh\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        #expect(blocks.count >= 2)
        let directory = try WorkingDirectory()
        let example = try directory.copy(Quickstart.directory, as: "quickstart")
        let binaries = FilePath(ExciseBinary.path).removingLastComponent().string
        for block in blocks {
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/bash")
            shell.arguments = ["-euc", "PATH=\(binaries):$PATH\n" + block]
            shell.currentDirectoryURL = URL(fileURLWithPath: example.string)
            shell.standardOutput = FileHandle.nullDevice
            shell.standardError = FileHandle.nullDevice
            try shell.run()
            shell.waitUntilExit()
            #expect(shell.terminationStatus == 0, "\(block)")
        }
    }

    /// The table of Examples/methods, its default's row: ten forgotten, ten kept, nothing recited again after rounding to four bits.
    @Test func theTableOfMethodsIsMade() throws {
        let rows = try table("table", "--only", "the default")
        #expect(rows.count == 4 && rows.allSatisfy { $0.count == rows[0].count || $0[0] == "unedited" })
        #expect(rows[2].prefix(3).map { $0.hasSuffix("(10)") } == [false, true, true])
        #expect(rows[3][1].hasSuffix("(0)") && rows[3][2].hasSuffix("(10)") && rows[3][6].hasSuffix("(0)"))
    }

    /// Two edits of those in Examples/methods that follow each other: what the first forgot stays forgotten, the others are kept.
    @Test func theTableOfSuccessiveEditsIsMade() throws {
        let rows = try table("successive", "--edits", "2").dropFirst(2)
        #expect(rows.map { $0[1] } == ["target-reached", "target-reached"])
        #expect(rows.allSatisfy { $0[2].hasSuffix("(0)") })
        #expect(rows.map { $0[3].split(separator: " ", maxSplits: 1).last } == ["(18 of 18)", "(16 of 16)"])
    }

    /// The table of what is laid bare by forgetting some of the records: two ways to choose them.
    @Test func theTableOfTheOnionEffectIsMade() throws {
        let rows = try table("onion", "--forget", "2").dropFirst(2)
        #expect(rows.map { $0[0] } == ["at random", "the most exposed"])
        #expect(rows.allSatisfy { $0[1].split(separator: ",").count == 2 && $0[7].hasSuffix("of 38") })
        // What was recited stays so for the most part, and what was never seen is not known.
        #expect(rows.allSatisfy { row in (Double(row[3]) ?? 0) > 6 && (Double(row[5]) ?? 8) < 3 })
    }

    /// The cells of a table that a script of Examples/methods prints.
    private func table(_ script: String, _ arguments: String...) throws -> [[String]] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", Fixture.project.appending("Examples/methods/\(script)").string] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["EXCISE": ExciseBinary.path]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(separator: "\n")
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return lines.map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
    }

    /// Each exit code that the README names is the one that the code has.
    @Test func everyFaultIsDocumented() throws {
        let readme = String(decoding: try InputFile.contents(of: Fixture.project.appending("README.md")), as: UTF8.self)
        let prose = readme.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let meanings: [(Fault, String)] = [
            (.usage, "wrong usage"), (.malformedInput, "malformed input"), (.missingInput, "input missing"),
            (.unsupported, "not supported"),
            (.cannotCreate, "output cannot be created"), (.digestMismatch, "a digest or signature does not match"),
            (.overBudget, "over the memory budget"),
        ]
        for (fault, meaning) in meanings { #expect(prose.contains(" \(fault.rawValue) \(meaning)") as Bool, "\(meaning)") }
    }
}
