internal import ArgumentParser
internal import Storage
internal import Surgery
internal import Transformer
internal import Verification

/// What the Fisher of an edit is made of, and how it is approximated.
struct CurvatureOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            How the Fisher is approximated; where it is not given, ekfac for fisher-targeted and woodbury for the other Fisher methods. \
            identity: not at all, for comparison; gradient-ascent's own.
            """,
            valueName: "diagonal|ekfac|block|woodbury|identity"))
    var curvature: CurvatureName?
    @Option(
        help: ArgumentHelp(
            "Of woodbury: what shares a Gram matrix; parameter where it is not given. Of block: how many entries; 50.",
            valueName: "parameter|layer|model|B"))
    var block: String?
    @Option(help: "How many samples of the retain text the Fisher is made of.") var samples = 128
    @Option(help: "Tokens in a sample, the prefix included.") var sampleTokens = 128
    @Option(help: "Samples whose mean gradient counts as one: the Fisher is made of --samples times as many, in micro-batches.")
    var fisherBatch = 1
    @Option(help: "Damping relative to the Fisher's own scale.") var damping = 0.01

    func validate() throws {
        guard samples > 0, sampleTokens > 2, damping > 0, damping.isFinite else {
            throw ValidationError("--samples, --sample-tokens and --damping must be positive.")
        }
        guard samples <= 1 << 20, (1...1 << 10).contains(fisherBatch) else {
            throw ValidationError("--samples is at most 1048576, and --fisher-batch 1 to 1024.")
        }
    }

    /// --curvature and --block together, or the method's own where they say nothing.
    func kind(for method: EditRecipe.Method) throws -> CurvatureKind {
        let standard = EditRecipe.defaultCurvature(method)
        guard method != .gradientAscent || (curvature ?? .identity) == .identity else {
            throw ValidationError(
                "gradient-ascent goes without a Fisher; with --curvature \(curvature?.rawValue ?? "") it is fisher-removal.")
        }
        switch curvature ?? CurvatureName(rawValue: standard.name) {
        case .woodbury:
            let shared = block ?? CurvatureKind.Block.parameter.rawValue
            guard let shared = CurvatureKind.Block(rawValue: shared) else {
                throw ValidationError("--block is \(shared); for --curvature woodbury it is parameter, layer or model.")
            }
            return .woodbury(shared)
        case .block:
            guard let size = block.map(Int.init) ?? CurvatureKind.standardBlockSize, (1...CurvatureKind.largestBlockSize).contains(size)
            else {
                throw ValidationError(
                    "--block is \(block ?? ""); for --curvature block it is a number from 1 to \(CurvatureKind.largestBlockSize).")
            }
            return .block(size)
        case .identity: return try withoutBlock(.identity)
        case .ekfac: return try withoutBlock(.ekfac)
        case .diagonal, nil: return try withoutBlock(.diagonal)
        }
    }

    private func withoutBlock(_ kind: CurvatureKind) throws -> CurvatureKind {
        guard block == nil else {
            throw ValidationError("--block belongs to --curvature woodbury or block; the curvature here is \(kind.name).")
        }
        return kind
    }

    /// Examples such as the Fisher is made of: samples of general text, or micro-batches of them.
    func examples(_ count: Int, of text: [TextRecord], _ encoder: RecordEncoder, named name: String) throws -> [Example] {
        let samples = try encoder.samples(count * fisherBatch, length: sampleTokens, of: text, named: name)
        return EditRecords.microBatches(samples, of: fisherBatch)
    }
}

enum CurvatureName: String, ExpressibleByArgument, CaseIterable { case diagonal, ekfac, block, woodbury, identity }
