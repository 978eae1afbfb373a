internal import Glibc
package import Transformer

/// How much records resemble others: by the tokens, and the pairs of neighbouring tokens, that they share, rare ones counting most
/// (binary tf-idf, cosine). No model is asked.
package struct Resemblance: Sendable {
    /// Each candidate's features, ascending: sums over them must not depend on the order of a set.
    private let candidates: [[Int]]
    /// The square of log((n + 1) / (f + 1)) of a feature that f of the n candidates have.
    private let weights: [Int: Double]
    private let norms: [Double]

    package init(_ candidates: [Example]) {
        self.candidates = candidates.map(Self.features)
        var frequencies: [Int: Int] = [:]
        for feature in self.candidates.joined() { frequencies[feature, default: 0] += 1 }
        let total = Double(candidates.count + 1)
        let weights = frequencies.mapValues { frequency in
            let rarity = log(total / Double(frequency + 1))
            return rarity * rarity
        }
        self.weights = weights
        norms = self.candidates.map { features in features.reduce(0.0) { $0 + (weights[$1] ?? 0) }.squareRoot() }
    }

    /// The numbers of at most `count` candidates, in ascending order: each example's closest in turn, then each one's next, until there
    /// are enough. Those that share nothing are left out, and those that hold nothing else: they would be the same text.
    package func closest(_ count: Int, to examples: [Example]) -> [Int] {
        var rankings = examples.map { ranking(for: Set(Self.features(of: $0)))[...] }
        var chosen: Set<Int> = []
        while chosen.count < count, rankings.contains(where: { !$0.isEmpty }) {
            for index in rankings.indices where chosen.count < count {
                while let next = rankings[index].popFirst(), !chosen.insert(next).inserted {}
            }
        }
        return chosen.sorted()
    }

    /// The candidates that share something but not all, closest first. What is looked for has one norm, which changes no order.
    private func ranking(for features: Set<Int>) -> [Int] {
        var scores: [(index: Int, value: Double)] = []
        for (index, candidate) in candidates.enumerated() where norms[index] > 0 {
            let shared = candidate.reduce(0.0) { features.contains($1) ? $0 + (weights[$1] ?? 0) : $0 }
            if shared > 0 && !candidate.allSatisfy(features.contains) { scores.append((index, shared / norms[index])) }
        }
        return scores.sorted { $0.value != $1.value ? $0.value > $1.value : $0.index < $1.index }.map(\.index)
    }

    private static func features(of example: Example) -> [Int] {
        var features: Set<Int> = []
        for window in example.windows {
            for (index, token) in window.inputs.enumerated() {
                features.insert(Int(token))
                if index > 0 { features.insert(Int(window.inputs[index - 1]) << 32 | Int(token)) }
            }
        }
        return features.sorted()
    }
}
