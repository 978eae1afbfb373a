internal import ArgumentParser
internal import Signing
internal import Storage
internal import SystemPackage

struct CheckSignatureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-signature", abstract: "Tell whether a model, a patch or a report is what was signed; 76 if not.",
        discussion: """
            Reads what `sign` writes, and bundles that model-signing makes with a key or a certificate. Every file that is another one, \
            missing, or not signed at all is named; in a .safetensors file that `sign` has signed, every tensor.
            """)

    @Argument(help: "A model's directory, its name in the cache, or a file.") var target: String
    @Argument(help: "The signature.") var signature: String
    @Option(help: "The public key in PEM.") var publicKey: String?
    @Option(help: "A PEM file with certificates that are trusted, for a signature with a certificate. May be given more than once.")
    var trust: [String] = []
    @Option(help: "A path within the directory to leave out. May be given more than once.") var ignore: [String] = []
    @Flag(help: "Do not mind files that were not signed.") var ignoreUnsigned = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (publicKey == nil) != trust.isEmpty else { throw ValidationError("Give either --public-key or --trust.") }
    }

    func run() throws {
        let progress = common.begin()
        let (path, bundlePath) = (try SignedPlace.path(target), FilePath(signature))
        let file = try InputFile(bundlePath)
        let bundle = try SignatureBundle(file)
        let key =
            if let publicKey { try bundle.check(with: PublicKey(FilePath(publicKey))) } else {
                try bundle.check(trusting: TrustedCertificates(trust.map { FilePath($0) }))
            }
        let statement = try bundle.statement()
        let place = try SignedFiles.place(of: bundlePath, in: path)
        let files = try SignedFiles(path, ignoring: statement.ignored.adding(ignore + (place.map { [$0] } ?? [])))
        progress.begin("reading \(target)", of: "bytes")
        let mismatches = try files.mismatches(
            with: statement, of: bundlePath, allowingUnsigned: ignoreUnsigned, progress: progress.advance)
        let report = SignatureReport(of: bundle, by: key, statement, files)
        let code = mismatches.isEmpty ? 0 : Fault.digestMismatch.rawValue
        if common.json {
            var document = Report("check-signature")
            document.addInput("signed", target, mismatches.isEmpty ? statement.digest : nil)
            try document.addInput("signature", file: signature)
            document.members = report.members + [("passed", .boolean(mismatches.isEmpty)), SignatureReport.member(mismatches)]
            document.print(exitCode: code)
        } else {
            report.printText()
            for mismatch in mismatches { print("mismatch        \(mismatch)") }
            if mismatches.isEmpty { print("checked         everything is as it was signed") }
        }
        guard let first = mismatches.first else { return }
        let more = mismatches.count > 1 ? ", and \(mismatches.count - 1) more" : ""
        standardError("excise: \(target) is not what was signed: \(first)\(more).")
        throw ExitCode(code)
    }
}
