/// How well a score tells members from others: the probability that a member's is the higher (Mann and Whitney; ties count half). It has a
/// sign: 0.5 tells nothing, above it members are known, below it they are known to have been pushed away.
package struct AreaUnderCurve: Sendable {
    package let value: Double
    /// 95 % interval by Newcombe's method 5 (2006), which is wider than nothing at 0 and 1 too; nil where the area is no number.
    package let interval: ConfidenceInterval?
    private let members: [Double]
    private let others: [Double]

    /// Not a number where a score is none, or there are none.
    package init(members: [Double], others: [Double]) {
        (self.members, self.others) = (members.sorted(), others.sorted())
        guard !members.isEmpty, !others.isEmpty, !members.contains(where: \.isNaN), !others.contains(where: \.isNaN) else {
            (value, interval) = (.nan, nil)
            return
        }
        var (wins, below, upTo) = (0.0, 0, 0)
        for member in self.members {
            while below < others.count, self.others[below] < member { below += 1 }
            upTo = max(upTo, below)
            while upTo < others.count, self.others[upTo] <= member { upTo += 1 }
            wins += Double(below) + Double(upTo - below) / 2
        }
        value = wins / Double(members.count * others.count)
        interval = Self.interval(value, Double(members.count), Double(others.count))
    }

    /// The most members found while at most that share of the others is taken for members.
    package func truePositiveRate(atFalsePositiveRate bound: Double) -> Double {
        guard !value.isNaN else { return .nan }
        let allowed = Int(bound * Double(others.count) + 1e-9)
        // Above the highest score that may not be passed, all members are found.
        guard allowed < others.count else { return 1 }
        let threshold = others[others.count - 1 - allowed]
        return Double(members.count { $0 > threshold }) / Double(members.count)
    }

    /// Where |area - found| is 1.96 standard errors, those of Hanley and McNeil with both counts replaced by their mean less 1.
    private static func interval(_ found: Double, _ members: Double, _ others: Double) -> ConfidenceInterval {
        let count = (members + others) / 2 - 1
        func isWithin(_ area: Double) -> Bool {
            let spread = area * (1 - area) * (1 + count * (1 - area) / (2 - area) + count * area / (1 + area)) / (members * others)
            return (area - found) * (area - found) <= 1.959963984540054 * 1.959963984540054 * spread
        }
        func edge(outside: Double) -> Double {
            var (inside, outside) = (found, outside)
            for _ in 0..<60 {
                let middle = (inside + outside) / 2
                if isWithin(middle) { inside = middle } else { outside = middle }
            }
            return inside
        }
        return ConfidenceInterval(low: edge(outside: 0), high: edge(outside: 1))
    }
}
