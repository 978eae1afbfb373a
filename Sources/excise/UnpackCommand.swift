internal import ArgumentParser
internal import Storage
internal import SystemPackage

struct UnpackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpack", abstract: "Take the files out of an archive that is not trusted.",
        discussion: "The directory appears whole or not at all. Links, devices, and names that lead out of it are refused.")

    @Argument(help: "The archive: .tar, .tar.gz, .tgz, .tar.zst or .zip.") var archive: String
    @Argument(help: "The directory to make.") var directory: String
    @Option(help: "The most bytes that all files together may have, such as 40GiB.") var limit = ByteCount(bytes: 1 << 40)
    @Flag(help: "Replace what is at DIRECTORY.") var force = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard Archive.isArchive(FilePath(archive)) else {
            throw ValidationError("\(archive) should end in .tar, .tar.gz, .tgz, .tar.zst or .zip.")
        }
    }

    func run() throws {
        common.begin().begin("unpacking \(archive)")
        let staged = try StagedDirectory(FilePath(directory), replacing: force)
        Interruption.willStage(staged.scratch)
        let contents = try Archive.unpack(FilePath(archive), into: staged.contents, limit: limit.bytes)
        try FileSystem.syncTree(staged.contents)
        try staged.commit()
        guard common.json else {
            print("\(contents.files) files of \(contents.bytes) bytes")
            return
        }
        var report = Report("unpack")
        try report.addInput("archive", file: archive)
        report.members = [
            ("files", .integer(contents.files)), ("bytes", .integer(contents.bytes)), ("output", .string(directory)),
        ]
        report.print()
    }
}
