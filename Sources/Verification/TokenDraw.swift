internal import Glibc

/// A token of a next-token distribution whose logits come in slices: the likeliest, or one that is drawn.
struct TokenDraw {
    private let temperature: Double
    /// The largest logit so far, and the sum of e^((logit - largest) / temperature).
    private var largest: Float = -.infinity
    private var total = 0.0
    private(set) var token: Int32 = 0

    /// - Parameter temperature: 0 for the likeliest token; otherwise one is drawn from softmax(logits / temperature).
    init(temperature: Double) { self.temperature = temperature }

    /// Takes in the tokens from `start` on. What is drawn of them takes the place of what was drawn before with the probability that is due to
    /// them.
    mutating func take(_ logits: Span<Float>, from start: Int32, _ random: () -> UInt64) {
        var best = 0
        for index in logits.indices where logits[index] > logits[best] { best = index }
        guard temperature > 0 else {
            if logits[best] > largest { (largest, token) = (logits[best], start + Int32(best)) }
            return
        }
        let highest = max(largest, logits[best])
        if total > 0 { total *= exp(Double(largest - highest) / temperature) }
        largest = highest
        var sum = 0.0
        for index in logits.indices { sum += weight(logits[index]) }
        // 53 bits: all that a Double in 0..<1 has.
        var left = Double(random() >> 11) / 0x1p53 * (total + sum) - total
        total += sum
        guard left >= 0 else { return }
        token = start + Int32(best)
        for index in logits.indices {
            left -= weight(logits[index])
            if left < 0 {
                token = start + Int32(index)
                return
            }
        }
    }

    private func weight(_ logit: Float) -> Double { exp(Double(logit - largest) / temperature) }
}
