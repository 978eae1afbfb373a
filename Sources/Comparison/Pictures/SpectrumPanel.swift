/// The largest singular values of the differences of a kind of module, a curve for each layer.
struct SpectrumPanel {
    let title: String
    /// Curves by layer; of what is in no layer, nil.
    let curves: [(layer: Int?, spectrum: Spectrum)]
    /// The first layer and the last, which the colours run between.
    let layers: ClosedRange<Int>?

    static let width = 300.0
    static let height = 210.0

    /// Nil where no curve has a value above 0.
    var figure: Figure? {
        let values = curves.flatMap(\.spectrum.singularValues).filter { $0 > 0 }
        guard let least = values.min(), let most = values.max() else { return nil }
        var drawing = Drawing()
        drawing.label(Drawing.shortened(title, to: 36), 10, 18, style: "title")
        let ranks = curves.compactMap(\.spectrum.stableRank).sorted()
        let side = curves.first.map { " of \($0.spectrum.side)" } ?? ""
        drawing.label(
            "stable rank \(ranks.isEmpty ? "-" : ranks[ranks.count / 2].text())\(side)\(ranks.count > 1 ? ", median" : "")", 10, 34,
            style: "faint")
        let count = curves.map(\.spectrum.singularValues.count).max() ?? 1
        let vertical = Axis(max(least, most * 1e-6) / 1.1, most * 1.1, isLogarithmic: true, from: 166, to: 46)
        let horizontal = Axis(1, Double(max(2, count)), from: 52, to: 290)
        drawing.frame(horizontal, vertical, "index of the singular value", labelled: true)
        for (layer, spectrum) in curves {
            let points = spectrum.singularValues.enumerated().filter { $0.element > 0 }
                .map { (x: horizontal.place(Double($0.offset + 1)), y: vertical.place($0.element)) }
            let words = (layer.map { "layer \($0): " } ?? "") + "stable rank \(spectrum.stableRank?.text() ?? "-")"
            drawing.path(points, style: "curve", stroke: ColorScale.color(share(layer)), title: words)
        }
        return Figure(title: title, width: Self.width, height: Self.height, drawing: drawing)
    }

    private func share(_ layer: Int?) -> Double {
        guard let layer, let layers, layers.count > 1 else { return 0.5 }
        return Double(layer - layers.lowerBound) / Double(layers.upperBound - layers.lowerBound)
    }

    /// Which colour is which layer; 40 pixels high. Nil where there are no layers.
    static func legend(_ layers: ClosedRange<Int>?) -> Drawing? {
        guard let layers, layers.count > 1 else { return nil }
        var drawing = Drawing()
        drawing.label("layer", 0, 10, style: "faint")
        drawing.colorBar(Axis(Double(layers.lowerBound), Double(layers.upperBound), from: 40, to: 280), 2, isWhole: true)
        return drawing
    }
}
