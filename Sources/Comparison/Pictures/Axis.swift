internal import Glibc

/// Numbers on a line of pixels, evenly or by their logarithm.
struct Axis: Sendable {
    let low: Double
    let high: Double
    let isLogarithmic: Bool
    /// Where `low` and `high` lie.
    let start: Double
    let end: Double

    init(_ low: Double, _ high: Double, isLogarithmic: Bool = false, from start: Double, to end: Double) {
        (self.low, self.isLogarithmic, self.start, self.end) = (low, isLogarithmic, start, end)
        self.high = high > low ? high : isLogarithmic ? low * 10 : low + max(1, abs(low))
    }

    /// 0 at `low`, 1 at `high`, not beyond.
    func share(_ value: Double) -> Double {
        let share = isLogarithmic ? log(max(value, low) / low) / log(high / low) : (value - low) / (high - low)
        return min(1, max(0, share))
    }

    func place(_ value: Double) -> Double { start + share(value) * (end - start) }

    /// Round numbers within, some four of them.
    var ticks: [Double] {
        guard isLogarithmic else {
            let rough = (high - low) / 4
            let power = pow(10, log10(rough).rounded(.down))
            let step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10)
            let first = (low / step).rounded(.up)
            let all: [Double] = (0..<12).map { (first + Double($0)) * step }
            return all.filter { $0 <= high + step * 1e-9 }.map { abs($0) < step / 2 ? 0 : $0 }
        }
        let decades = log10(high / low)
        let digits: [Double] = decades < 2.5 ? [1, 2, 5] : [1]
        let skip = max(1, Int((decades / 5).rounded(.up)))
        let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
        var found: [Double] = []
        for power in powers where power.isMultiple(of: skip) {
            found += digits.map { $0 * pow(10, Double(power)) }.filter { $0 >= low * 0.999 && $0 <= high * 1.001 }
        }
        return found.count > 1 ? found : Axis(low, high, from: start, to: end).ticks
    }

    /// A tick's number in as few characters as it takes.
    static func text(_ value: Double) -> String {
        let parts = value.text(digits: 3).split(separator: "e")
        var digits = String(parts.first ?? "0")
        if digits.contains(".") {
            while digits.hasSuffix("0") { digits.removeLast() }
            if digits.hasSuffix(".") { digits.removeLast() }
        }
        guard parts.count > 1 else { return digits }
        let sign = parts[1].hasPrefix("-") ? "-" : ""
        let power = parts[1].drop { $0 == "+" || $0 == "-" || $0 == "0" }
        return digits + "e" + sign + (power.isEmpty ? "0" : String(power))
    }
}

/// Viridis (van der Walt and Smith, in the public domain): even to the eye, in grey and to the colour-blind; without its ends, which
/// would be lost on black or white.
enum ColorScale {
    private static let stops: [(Double, Double, Double)] = [
        (72, 27, 109), (71, 44, 122), (62, 73, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137), (53, 183, 121), (110, 206, 88),
        (181, 222, 43), (233, 228, 25),
    ]

    /// The colour for a share from 0 to 1.
    static func color(_ share: Double) -> String {
        let place = min(1, max(0, share)) * Double(stops.count - 1)
        let index = min(stops.count - 2, Int(place))
        let (a, b, t) = (stops[index], stops[index + 1], place - Double(index))
        func channel(_ x: Double, _ y: Double) -> String {
            let value = Int((x + (y - x) * t).rounded())
            return (value < 16 ? "0" : "") + String(value, radix: 16)
        }
        return "#" + channel(a.0, b.0) + channel(a.1, b.1) + channel(a.2, b.2)
    }
}

extension Drawing {
    /// A bar of colours from left to right with an axis under it, 28 pixels high.
    mutating func colorBar(_ axis: Axis, _ y: Double, isWhole: Bool = false) {
        let count = 96
        let width = (axis.end - axis.start) / Double(count)
        for index in 0..<count {
            let share = (Double(index) + 0.5) / Double(count)
            // Half a pixel of overlap, or the ground would shine through.
            rectangle(axis.start + Double(index) * width, y, width + 0.5, 10, fill: ColorScale.color(share))
        }
        for tick in axis.ticks where !isWhole || tick == tick.rounded() {
            line(axis.place(tick), y + 10, axis.place(tick), y + 14, style: "axis")
            label(Axis.text(tick), axis.place(tick), y + 25, .middle, style: "faint")
        }
    }
}
