internal import ArgumentParser
internal import Storage
internal import SystemPackage

struct PackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Put a directory's files into an archive, the same bytes each time.",
        discussion: """
            The archive's name says what it is: .tar, .tar.gz, .tgz, .tar.zst or .zip. Files lie at its root, in the order of their names, without \
            owners, and with one time: 1970-01-01 (in a .zip 1980-01-01), or in a .tar that of SOURCE_DATE_EPOCH, where it is set. A link to a file \
            is packed as that file.
            """)

    @Argument(help: "The directory.") var directory: String
    @Argument(help: "The archive to write.") var archive: String
    @Option(help: "How hard to compress: 1 to 9, with .tar.zst to 19. Otherwise the library's own level.") var level: Int?
    @Flag(help: "Replace what is at ARCHIVE.") var force = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard Archive.isArchive(FilePath(archive)) else {
            throw ValidationError("\(archive) should end in .tar, .tar.gz, .tgz, .tar.zst or .zip.")
        }
        guard let level else { return }
        let levels = archive.lowercased().hasSuffix(".zst") ? 1...19 : archive.lowercased().hasSuffix(".tar") ? 0...0 : 1...9
        guard levels.contains(level) else {
            throw ValidationError(
                levels == 0...0
                    ? "A .tar is not compressed; --level is for the other archives."
                    : "--level is \(level); \(levels.lowerBound) to \(levels.upperBound) is expected.")
        }
    }

    func run() throws {
        let progress = common.begin()
        let time = try time()
        let list = try PackingList(FilePath(directory), for: FilePath(archive))
        let output = try AtomicFile(FilePath(archive), replacing: force)
        Interruption.willStage(output.staging)
        progress.begin("packing \(list.files.count) files", of: "bytes")
        let packed = try PackedArchive.write(
            list, to: output, level: level, threads: common.threads, time: time, progress: progress.advance)
        try output.commit()
        guard common.json else {
            print("\(packed.files) files of \(packed.bytes) bytes in \(packed.size) bytes, SHA-256 \(packed.sha256)")
            return
        }
        var report = Report("pack")
        for file in list.files { try report.addInput("file", file: file.path.string) }
        report.members = [
            ("files", .integer(packed.files)), ("bytes", .integer(packed.bytes)), ("output", .string(archive)),
            ("output_bytes", .integer(packed.size)), ("sha256", .string(packed.sha256.description)),
        ]
        report.print()
    }

    /// The time of every file (reproducible-builds.org/specs/source-date-epoch). A tar header has 33 bits for it.
    private func time() throws -> Int {
        guard let text = Environment.value(of: "SOURCE_DATE_EPOCH") else { return 0 }
        guard let time = Int(text), (0..<1 << 33).contains(time) else {
            throw ValidationError("SOURCE_DATE_EPOCH is \(text); seconds since 1970 are expected.")
        }
        return time
    }
}
