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

    /// Each exit code that the README names is the one that the code has.
    @Test func everyFaultIsDocumented() throws {
        let contract = String(decoding: try InputFile.contents(of: Fixture.project.appending("README.md")), as: UTF8.self)
        for fault in [Fault.usage, .malformedInput, .missingInput, .unsupported, .cannotCreate, .digestMismatch, .overBudget] {
            #expect(contract.contains("\(fault.rawValue) "))
        }
    }
}
