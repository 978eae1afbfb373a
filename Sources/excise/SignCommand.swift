internal import ArgumentParser
internal import Signing
internal import Storage
internal import SystemPackage

struct SignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign a model's directory, a patch or a report, so that others can tell that it is as it was.",
        discussion: """
            The signature is a bundle of OpenSSF Model Signing (model-signing on PyPI verifies it): the SHA-256 of every file, and the \
            digests of the tensors in .safetensors files. A directory is signed with all files in it but .git, .gitattributes, .github, \
            .gitignore and the signature itself. `check-signature` checks it.
            """)

    @Argument(help: "A model's directory, its name in the cache, or a file: a patch, a report, a single .safetensors file.")
    var target: String
    @Option(help: "The private key in PEM, on the curve P-256, P-384 or P-521.") var key: String
    @Option(help: "A file whose first line is the key's passphrase.") var passphraseFile: String?
    @Option(help: "The key's certificate in PEM, to go with the signature. The file may hold the chain behind it.") var certificate: String?
    @Option(help: "A PEM file with certificates that lead to one that others trust. May be given more than once.") var chain: [String] = []
    @Option(help: "A path within the directory that is no part of what is signed. May be given more than once.") var ignore: [String] = []
    @Flag(help: "Sign what links lead to, as in the Hugging Face cache; else a link is refused.") var allowSymlinks = false
    @Option(help: ArgumentHelp("Where the signature goes.", valueName: "bundle")) var output: String
    @Flag(help: "Replace what is at --output.") var force = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard chain.isEmpty || certificate != nil else { throw ValidationError("--chain goes with --certificate, which is missing.") }
    }

    func run() throws {
        let progress = common.begin()
        let (path, bundlePath) = (try SignedPlace.path(target), FilePath(output))
        if FileSystem.kind(of: bundlePath) != nil {
            guard force else { throw StorageError.outputExists(bundlePath) }
            guard try FileSystem.resolved(bundlePath) != FileSystem.resolved(path) else {
                throw ValidationError("--output \(output) is what is to be signed.")
            }
        }
        let place = try SignedFiles.place(of: bundlePath, in: path)
        let files = try SignedFiles(path, ignoring: IgnoredPaths(files: path, ignore + (place.map { [$0] } ?? [])))
        let key = try PrivateKey(FilePath(key), passphrase: passphraseFile.map { FilePath($0) })
        progress.begin("reading \(target)", of: "bytes")
        let statement = try files.statement(allowingLinks: allowSymlinks, progress: progress.advance)
        let bundle =
            if let certificate {
                try SignatureBundle(
                    signing: statement, with: key, from: FilePath(self.key), certificates: FilePath(certificate),
                    chain: chain.map { FilePath($0) }, to: bundlePath)
            } else {
                SignatureBundle(signing: statement, with: key, to: bundlePath)
            }
        let file = try AtomicFile(bundlePath, replacing: force)
        Interruption.willStage(file.staging)
        try file.write(bundle.text, at: 0)
        try file.commit()
        let report = SignatureReport(of: bundle, by: key.publicKey, statement, files)
        guard common.json else {
            report.printText()
            return print("written to      \(output)")
        }
        var document = Report("sign")
        document.addInput("signed", target, statement.digest)
        document.addInput("key", self.key, key.publicKey.fingerprint)
        document.members = report.members + [("output", .string(output))]
        document.print()
    }
}

/// What is to be signed or checked, as the command line names it: a path, or a model in the hub's cache.
enum SignedPlace {
    static func path(_ name: String) throws -> FilePath {
        let path = FilePath(name)
        return FileSystem.kind(of: path) == nil && HubCache.isName(name) ? try HubCache().snapshot(of: name).path : path
    }
}
