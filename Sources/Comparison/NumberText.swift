internal import Glibc

extension Double {
    /// So many significant digits, as a plain decimal where it is short and with an exponent otherwise: 0.0123, 1.5e-07.
    package func text(digits: Int = 3) -> String {
        guard isFinite, self != 0, magnitude > 1e-300 else { return self == 0 ? "0" : description }
        var exponent = Int(log10(magnitude).rounded(.down))
        var scaled = (magnitude / pow(10, Double(exponent - digits + 1))).rounded()
        if scaled >= pow(10, Double(digits)) { (scaled, exponent) = ((scaled / 10).rounded(), exponent + 1) }
        let all = String(Int(scaled))
        let sign = self < 0 ? "-" : ""
        if (-3..<0).contains(exponent) { return sign + "0." + String(repeating: "0", count: -exponent - 1) + all }
        if (0..<7).contains(exponent) {
            guard exponent + 1 < digits else { return sign + all + String(repeating: "0", count: exponent + 1 - digits) }
            return sign + all.prefix(exponent + 1) + "." + all.dropFirst(exponent + 1)
        }
        let power = String(abs(exponent))
        let fraction = all.dropFirst()
        return sign + all.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + (exponent < 0 ? "e-" : "e+")
            + (power.utf8.count < 2 ? "0" : "") + power
    }
}
