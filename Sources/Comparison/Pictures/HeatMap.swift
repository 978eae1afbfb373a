/// Kinds of module by layers, a cell each, coloured by one number; what stands in no layer in a column of its own.
struct HeatMap {
    enum Cell {
        case equal
        /// Different, without a number.
        case incomparable
        case value(Double)
    }

    let title: String
    let legend: String
    /// In the order they are shown.
    let kinds: [String]
    let layers: [Int]
    /// By kind and layer; of a kind outside the layers at -1. What is not there is left blank.
    let cells: [String: [Int: Cell]]
    let words: (Cell) -> String

    private static let cellHeight = 18.0
    private static let top = 58.0

    var figure: Figure {
        let labelWidth = 30 + 6.3 * Double(kinds.map { min(34, $0.count) }.max() ?? 0)
        let hasOutside = kinds.contains { cells[$0]?[-1] != nil }
        let outside = hasOutside ? 34.0 : 0
        let cellWidth = min(26, max(3, (900 - labelWidth - outside) / Double(max(1, layers.count))))
        let right = labelWidth + cellWidth * Double(layers.count) + outside
        let width = max(520, right + 20)
        let bottom = Self.top + Self.cellHeight * Double(kinds.count)
        var drawing = Drawing()
        drawing.label(title, 12, 22, style: "title")
        drawing.label(layers.isEmpty ? "" : "layer", labelWidth, 38, style: "faint")
        let scale = scale(from: labelWidth, to: max(labelWidth + 240, min(right - outside, labelWidth + 420)))
        for (row, kind) in kinds.enumerated() {
            let y = Self.top + Double(row) * Self.cellHeight
            drawing.label(Drawing.shortened(kind, to: 34), labelWidth - 8, y + 13, .end)
            for (column, layer) in layers.enumerated() {
                guard let cell = cells[kind]?[layer] else { continue }
                drawing.cell(cell, labelWidth + Double(column) * cellWidth, y, cellWidth, scale, "layer \(layer), \(kind): \(words(cell))")
            }
            if let cell = cells[kind]?[-1] {
                let x = labelWidth + cellWidth * Double(layers.count) + (layers.isEmpty ? 0 : 10)
                drawing.cell(cell, x, y, 24, scale, "\(kind): \(words(cell))")
            }
        }
        drawNumbers(&drawing, labelWidth, cellWidth, bottom)
        if hasOutside && !layers.isEmpty { drawing.label("no layer", right + 8, 38, .end, style: "faint") }
        if let scale {
            drawing.label(legend, labelWidth - 8, bottom + 39, .end, style: "faint")
            drawing.colorBar(scale, bottom + 30)
        }
        drawing.key(labelWidth, bottom + 72)
        return Figure(title: title, width: width, height: bottom + 92, drawing: drawing)
    }

    /// By logarithm where the numbers span more than a factor of 8. Nil where there are none.
    private func scale(from start: Double, to end: Double) -> Axis? {
        let numbers = cells.values.flatMap(\.values).compactMap { if case .value(let value) = $0, value > 0 { value } else { nil } }
        guard let least = numbers.min(), let most = numbers.max() else { return nil }
        // No more than six decades: what is smaller is as good as nothing.
        return most > 8 * least
            ? Axis(max(least, most * 1e-6), most, isLogarithmic: true, from: start, to: end) : Axis(0, most, from: start, to: end)
    }

    /// The layers' numbers over the columns, as many as fit.
    private func drawNumbers(_ drawing: inout Drawing, _ left: Double, _ cellWidth: Double, _ bottom: Double) {
        let room = 8 + 6.5 * Double(layers.map { "\($0)".count }.max() ?? 1)
        let step = [1, 2, 5, 10, 20, 50, 100, 200].first { Double($0) * cellWidth >= room } ?? 500
        for (column, layer) in layers.enumerated() where column.isMultiple(of: step) {
            drawing.label("\(layer)", left + (Double(column) + 0.5) * cellWidth, Self.top - 5, .middle, style: "faint")
        }
    }
}

extension Drawing {
    fileprivate mutating func cell(_ cell: HeatMap.Cell, _ x: Double, _ y: Double, _ width: Double, _ scale: Axis?, _ title: String) {
        let gap = width > 8 ? 1.0 : 0.25
        switch cell {
        case .value(let value):
            rectangle(x + gap, y + 1, width - 2 * gap, 16, fill: ColorScale.color(scale?.share(value) ?? 0), title: title)
        case .equal: rectangle(x + gap + 0.5, y + 1.5, width - 2 * gap - 1, 15, style: "hollow", title: title)
        case .incomparable:
            rectangle(x + gap + 0.5, y + 1.5, width - 2 * gap - 1, 15, style: "hollow", title: title)
            line(x + gap + 1, y + 3, x + width - gap - 1, y + 15, style: "cross")
            line(x + gap + 1, y + 15, x + width - gap - 1, y + 3, style: "cross")
        }
    }

    /// What cells without a colour mean.
    fileprivate mutating func key(_ x: Double, _ y: Double) {
        cell(.equal, x, y - 12, 20, nil, "equal")
        label("equal", x + 26, y + 1, style: "faint")
        cell(.incomparable, x + 76, y - 12, 20, nil, "not comparable")
        label("added, removed or another shape", x + 102, y + 1, style: "faint")
    }
}
