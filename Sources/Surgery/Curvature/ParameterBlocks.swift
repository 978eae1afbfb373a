internal import Transformer

/// What is summed over each block's parameters as a backward sweep passes them, and what is made of the sums when a block is
/// complete: a parameter or a layer with the layer's group, the model at the sweep's end.
struct ParameterBlocks<Sum, Solution> {
    private let block: CurvatureKind.Block
    private var sums: [String: Sum] = [:]
    private var names: [String: [String]] = [:]
    private var solutions: [String: Solution] = [:]

    init(_ block: CurvatureKind.Block) { self.block = block }

    /// What was made of the block that a parameter is in.
    subscript(name: String) -> Solution? { solutions[name] }

    /// Adds to the sum of the parameter's block.
    mutating func add(to name: String, startingWith zero: @autoclosure () -> Sum, _ update: (inout Sum) throws -> Void) rethrows {
        let key = block == .parameter ? name : ""
        if names[key]?.last != name { names[key, default: []].append(name) }
        try update(&sums[key, default: zero()])
    }

    /// A group of parameters has been passed.
    mutating func finishGroup(_ solve: (Sum) -> Solution) { if block != .model { close(solve) } }

    /// The sweep has ended.
    mutating func finishSweep(_ solve: (Sum) -> Solution) { close(solve) }

    private mutating func close(_ solve: (Sum) -> Solution) {
        // In a fixed order: sums over blocks are to have the same bits every time.
        for key in sums.keys.sorted() {
            guard let sum = sums.removeValue(forKey: key), let names = names.removeValue(forKey: key) else { continue }
            let solution = solve(sum)
            for name in names { solutions[name] = solution }
        }
    }
}
