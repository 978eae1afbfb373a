internal import ArgumentParser
internal import Checkpoints
internal import Patches
internal import Storage
internal import SystemPackage

struct PatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch", abstract: "Keep, apply and take back what changed between two checkpoints, to the bit.",
        discussion: """
            A patch is a .safetensors file with the lossless difference of each tensor that changed, and the digests of what it is applied to and \
            of what comes of it. Containers, shards and order do not matter: tensors go by their names.
            """,
        subcommands: [Create.self, Apply.self, Show.self, Compose.self])
}

extension PatchCommand {
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write the patch that leads from BASE to EDITED.")

        @Argument(help: "A model: a directory, an archive, a .safetensors or .bin file, or a name in the cache.") var base: String
        @Argument(help: "What became of it.") var edited: String
        @Option(help: ArgumentHelp("Where the patch goes.", valueName: "patch")) var output: String
        @Option(
            help: """
                Keep each matrix' change as a product of matrices of this rank, where those are smaller than the matrix: the result is then near \
                EDITED, not the same, and cannot be taken back. Without it all is kept to the bit.
                """) var rank: Int?
        @Flag(help: "Replace what is at --output.") var force = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard rank.map({ $0 > 0 }) ?? true else { throw ValidationError("--rank must be positive.") }
        }

        func run() throws {
            let progress = common.begin()
            ProcessAccount.keepSmallBuffers(upTo: 1 << 24)
            let creation = PatchCreation(
                from: try ModelPlace(base).checkpoint, to: try ModelPlace(edited).checkpoint, tool: Excise.version, rank: rank)
            let file = try AtomicFile(FilePath(output), replacing: force)
            Interruption.willStage(file.staging)
            progress.begin("comparing \(base) and \(edited)", of: "bytes")
            let leftOut = try creation.filesLeftOut()
            let (manifest, digest) = try creation.write(to: file, progress: progress.advance)
            try file.commit()
            var report = PatchReport("create", try Patch(InputFile(FilePath(output))))
            report.inputs = [("base", base, manifest.contentDigest(.base)), ("edited", edited, manifest.contentDigest(.edited))]
            (report.output, report.sha256, report.filesLeftOut) = (output, digest, leftOut)
            report.print(asJSON: common.json)
        }
    }

    struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the result of the base, or with --reverse the base of the result.",
            discussion: "Every tensor is checked against its digest before and after; DIR appears whole or not at all.")

        @Argument(help: "The model that it is applied to.") var model: String
        @Argument(help: "The patch.") var patch: String
        @Option(help: ArgumentHelp("Where the new checkpoint goes.", valueName: "dir")) var output: String
        @Flag(help: "Undo it: MODEL is the result.") var reverse = false
        @Option(help: "Go this part of the way, such as 0.5, or beyond; what is written is rounded and cannot be taken back.")
        var scale: Double?
        @Flag(help: "Replace what is at --output.") var force = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard scale?.isFinite ?? true else { throw ValidationError("--scale is no number.") }
            guard scale == nil || !reverse else { throw ValidationError("--reverse takes back all of a patch: leave out --scale.") }
        }

        func run() throws {
            let progress = common.begin()
            ProcessAccount.keepSmallBuffers(upTo: 1 << 24)
            let opened = try Patch(InputFile(FilePath(patch)))
            let mode: PatchApplication.Mode = reverse ? .reverse : scale.map { $0 == 1 ? .forward : .scaled($0) } ?? .forward
            let checkpoint = try ModelPlace(model).checkpoint
            if FileSystem.kind(of: FilePath(output)) != nil && !force { throw StorageError.outputExists(FilePath(output)) }
            let application = try PatchApplication(opened, to: checkpoint, mode)
            let staged = try StagedDirectory(FilePath(output), replacing: force)
            Interruption.willStage(staged.scratch)
            progress.begin("writing \(output)", of: "bytes")
            let digest = try application.write(to: staged, tool: Excise.version, progress: progress.advance)
            try staged.commit()
            var report = PatchReport("apply", opened)
            report.inputs = [
                ("model", model, opened.manifest.contentDigest(reverse ? .result : .base)), ("patch", patch, opened.sha256),
            ]
            (report.output, report.contentDigest, report.isReversed, report.scale) = (output, digest, reverse, scale)
            report.print(asJSON: common.json)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a patch would change; with MODEL, whether it is the base or the result, and 76 if it is neither.")

        @Argument(help: "The patch.") var patch: String
        @Argument(help: "A model.") var model: String?
        @OptionGroup var common: CommonOptions

        func run() throws {
            _ = common.begin()
            let opened = try Patch(InputFile(FilePath(patch)))
            try opened.verify()
            try opened.verifyDifferences()
            var report = PatchReport("show", opened)
            report.inputs = [("patch", patch, opened.sha256)]
            if let model {
                let side = try opened.side(of: ModelPlace(model).checkpoint)
                report.inputs.append(("model", model, opened.manifest.contentDigest(side)))
                report.side = side
            }
            report.print(asJSON: common.json)
        }
    }

    struct Compose: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make one patch of two, the second of which begins where the first ends.")

        @Argument(help: "The first patch.") var first: String
        @Argument(help: "The one that is applied to its result.") var second: String
        @Option(help: ArgumentHelp("Where the patch goes.", valueName: "patch")) var output: String
        @Flag(help: "Replace what is at --output.") var force = false
        @OptionGroup var common: CommonOptions

        func run() throws {
            _ = common.begin()
            let patches = (try Patch(InputFile(FilePath(first))), try Patch(InputFile(FilePath(second))))
            let composition = try PatchComposition(patches.0, patches.1, tool: Excise.version)
            let file = try AtomicFile(FilePath(output), replacing: force)
            Interruption.willStage(file.staging)
            let (_, digest) = try composition.write(to: file)
            try file.commit()
            var report = PatchReport("compose", try Patch(InputFile(FilePath(output))))
            report.inputs = [("first", first, patches.0.sha256), ("second", second, patches.1.sha256)]
            (report.output, report.sha256) = (output, digest)
            report.print(asJSON: common.json)
        }
    }
}
