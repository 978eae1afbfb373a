internal import Storage

/// The pictures of a comparison.
package struct ComparisonFigures: Sendable {
    /// Relative L2 by kind and layer, and stable ranks where spectra were computed.
    let maps: [Figure]
    let histograms: [Figure]
    let spectra: [Figure]
    let spectrumLegend: Drawing?

    /// More kinds than this, and more layers, would not be read: the first in the order of the names are shown.
    private static let mostKinds = 40
    private static let mostLayers = 256

    package init(_ comparison: CheckpointComparison) {
        let layers = Array(Set(comparison.tensors.compactMap(\.place.layer)).sorted().prefix(Self.mostLayers))
        let kinds = comparison.kinds
        let shown = kinds.prefix(Self.mostKinds).map(\.name)
        maps = [
            HeatMap.relativeL2(comparison, shown, layers), HeatMap.stableRank(comparison, shown, layers),
        ].compactMap { $0?.figure }
        histograms = kinds.prefix(Self.mostKinds).compactMap { group in
            group.distribution.flatMap { HistogramPanel(title: group.name, distribution: $0).figure }
        }
        let range = layers.first.flatMap { first in layers.last.map { first...$0 } }
        spectra = shown.compactMap { kind in
            let curves = comparison.tensors.filter { ByteName($0.place.kind) == ByteName(kind) }
                .sorted { ($0.place.layer ?? -1) < ($1.place.layer ?? -1) }
                .compactMap { tensor in tensor.spectra?.difference.map { (layer: tensor.place.layer, spectrum: $0) } }
            return curves.isEmpty ? nil : SpectrumPanel(title: kind, curves: curves, layers: range).figure
        }
        spectrumLegend = spectra.isEmpty ? nil : SpectrumPanel.legend(range)
    }

    /// Each as a file of its own, by the file's name.
    package var files: [(name: String, contents: String)] {
        var files = zip(["relative-l2.svg", "stable-rank.svg"], maps).map { ($0, $1.document) }
        if let sheet = Self.sheet("Distributions of weights by kind of module", histograms, columns: 2, legend: HistogramPanel.legend) {
            files.append(("histograms.svg", sheet.document))
        }
        if let sheet = Self.sheet(
            "Largest singular values of the differences, by kind of module", spectra, columns: 3, legend: spectrumLegend)
        {
            files.append(("spectra.svg", sheet.document))
        }
        return files
    }

    /// Panels in rows under a title and a legend. Nil without any.
    private static func sheet(_ title: String, _ panels: [Figure], columns: Int, legend: Drawing?) -> Figure? {
        guard let first = panels.first else { return nil }
        var drawing = Drawing()
        drawing.label(title, 10, 22, style: "title")
        if let legend { drawing.add(legend, 10, 34) }
        let top = legend == nil ? 36.0 : 74.0
        for (index, panel) in panels.enumerated() {
            drawing.add(panel.drawing, Double(index % columns) * first.width, top + Double(index / columns) * (first.height + 8))
        }
        let rows = Double((panels.count + columns - 1) / columns)
        let width = max(900, Double(min(columns, panels.count)) * first.width)
        return Figure(title: title, width: width, height: top + rows * (first.height + 8), drawing: drawing)
    }
}

extension HeatMap {
    fileprivate static func relativeL2(_ comparison: CheckpointComparison, _ kinds: [String], _ layers: [Int]) -> HeatMap? {
        HeatMap(
            "Relative change of the weights, |d| / |A|, by kind of module and layer", "relative L2", comparison, kinds, layers
        ) { members in
            let sums = members.compactMap(\.sums)
            guard let first = sums.first else { return members.contains { $0.status != .equal } ? .incomparable : .equal }
            return sums.dropFirst().reduce(into: first) { $0.add($1) }.relativeL2.map(Cell.value) ?? .incomparable
        }
    }

    /// Of several tensors in one cell, the largest.
    fileprivate static func stableRank(_ comparison: CheckpointComparison, _ kinds: [String], _ layers: [Int]) -> HeatMap? {
        guard comparison.tensors.contains(where: { $0.spectra?.difference != nil }) else { return nil }
        return HeatMap(
            "Stable rank of the difference, |d|² / s₁², by kind of module and layer", "stable rank", comparison, kinds, layers
        ) { members in
            let ranks = members.compactMap { $0.spectra?.difference?.stableRank }
            return ranks.max().map(Cell.value) ?? (members.allSatisfy { $0.status == .equal } ? .equal : nil)
        }
    }

    /// Nil where no tensor has a number.
    private init?(
        _ title: String, _ legend: String, _ comparison: CheckpointComparison, _ kinds: [String], _ layers: [Int],
        _ cell: ([TensorComparison]) -> Cell?
    ) {
        var members: [ByteName: [Int: [TensorComparison]]] = [:]
        for tensor in comparison.tensors {
            members[ByteName(tensor.place.kind), default: [:]][tensor.place.layer ?? -1, default: []].append(tensor)
        }
        var cells: [String: [Int: Cell]] = [:]
        for kind in kinds { cells[kind] = (members[ByteName(kind)] ?? [:]).compactMapValues(cell) }
        let found = kinds.filter { !(cells[$0] ?? [:]).isEmpty }
        guard !found.isEmpty else { return nil }
        self.init(title: title, legend: legend, kinds: found, layers: layers, cells: cells) { cell in
            switch cell {
            case .equal: "equal"
            case .incomparable: "not comparable"
            case .value(let value): "\(legend) \(value.text())"
            }
        }
    }
}
