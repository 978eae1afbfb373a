internal import ArgumentParser
internal import Storage
internal import SystemPackage
internal import Verification

/// Where a verification is written besides standard output.
struct VerifyOutputs: ParsableArguments {
    @Option(help: ArgumentHelp("Write the gates there as JUnit's XML, a test case for each.", valueName: "file")) var junit: String?
    @Option(help: ArgumentHelp("Write a page with tables and bars there.", valueName: "file")) var html: String?
    @Flag(help: "Print tables as Markdown.") var markdown = false
    @Flag(help: "Replace what is at --junit and --html.") var force = false

    /// Throws where something is there already and is not to be replaced.
    func check() throws {
        for output in [junit, html].compactMap({ $0 }) where FileSystem.kind(of: FilePath(output)) != nil && !force {
            throw StorageError.outputExists(FilePath(output))
        }
    }

    func write(_ report: VerificationReport, policy: Policy?, base: String, edited: String) throws {
        try write(JUnitReport(report, policy: policy).document, to: junit)
        try write(VerificationPage(report, policy: policy, base: base, edited: edited).document, to: html)
    }

    private func write(_ document: String, to path: String?) throws {
        guard let path else { return }
        let file = try AtomicFile(FilePath(path), replacing: force)
        Interruption.willStage(file.staging)
        try file.write(Array(document.utf8), at: 0)
        try file.commit()
    }
}
