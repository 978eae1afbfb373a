/// A comparison as one page of HTML, without scripts and without anything that is fetched.
package struct ComparisonPage {
    private let comparison: CheckpointComparison
    private let names: (before: String, after: String)
    private let top: Int

    /// - Parameter top: how many tensors the table shows.
    package init(_ comparison: CheckpointComparison, before: String, after: String, top: Int) {
        (self.comparison, names, self.top) = (comparison, (before, after), top)
    }

    package var document: String {
        let figures = ComparisonFigures(comparison)
        let ranking = comparison.ranking(by: .relativeL2)
        let left = ranking.count > top ? "<p class=note>\(ranking.count - top) more differ; --top shows more.</p>" : ""
        let body = [
            "<h1>\(Drawing.escaped(names.before)) <span class=note>→</span> \(Drawing.escaped(names.after))</h1>",
            "<p>\(Drawing.escaped(comparison.summary)) \(comparison.isIdentical ? "The two are identical." : "")</p>",
            section("Where the weights changed", figures.maps.map { "<div class=figure>\($0.inline)</div>" }.joined()),
            section("How the weights are distributed", Self.panels(figures.histograms, Self.strip(HistogramPanel.legend, 860, 22))),
            section(
                "Spectra of the differences", Self.panels(figures.spectra, figures.spectrumLegend.map { Self.strip($0, 300, 40) } ?? "")),
            section(
                "Tensors, the most changed first",
                ranking.isEmpty ? "" : Self.table(CheckpointComparison.table(Array(ranking.prefix(top)), only: nil)) + left),
            section("Spectral shape", Self.table(CheckpointComparison.spectra(Array(ranking.prefix(top))))),
            section("Kinds of module", Self.table(CheckpointComparison.table(comparison.kinds, headed: "kind"))),
            section("Layers", Self.table(CheckpointComparison.table(comparison.layers, headed: "layer"))),
            """
            <p class=note>d = B - A over the pairs of finite elements. Relative L2 is |d| / |A|; ulps are steps between neighbouring values \
            of the dtype. Kinds and layers add up their changed tensors. KS and W₁ are Kolmogorov-Smirnov's and Wasserstein's distances. \
            Made by excise diff.</p>
            """,
        ].joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>excise diff</title><style>\(Figure.style)\(Self.style)</style></head><body>
            \(body)
            </body></html>

            """
    }

    private static let style = """
        :root{color-scheme:light dark}
        body{margin:0 auto;padding:24px 20px;max-width:1200px;background:#fff;color:#1f2328;
        font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
        h1{font-size:20px;overflow-wrap:anywhere}h2{font-size:16px;margin:32px 0 8px}
        .note{color:#59636e;font-weight:400}p.note{font-size:13px}
        .figure,.table{overflow-x:auto}.figure svg{display:block;width:100%;height:auto}.figure+.figure{margin-top:12px}
        .panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--least)),1fr));gap:14px}
        .panels svg{width:100%;height:auto}
        table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
        td,th{padding:3px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid #d1d9e0}
        td:first-child,th:first-child{text-align:left;padding-left:0;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
        @media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}.note{color:#9198a1}td,th{border-color:#2f363e}}
        """

    private func section(_ title: String, _ contents: String) -> String { contents.isEmpty ? "" : "<h2>\(title)</h2>\n\(contents)" }

    private static func panels(_ figures: [Figure], _ legend: String) -> String {
        guard let first = figures.first else { return "" }
        return legend + "<div class=panels style=\"--least:\(Int(first.width))px\">" + figures.map(\.panel).joined() + "</div>"
    }

    /// A legend of its own size.
    private static func strip(_ drawing: Drawing, _ width: Int, _ height: Int) -> String {
        let size = "viewBox=\"0 0 \(width) \(height)\" style=\"width:\(width)px\""
        return "<div class=figure><svg \(size) aria-hidden=\"true\">\(drawing.text)</svg></div>"
    }

    private static func table(_ table: TextTable) -> String {
        func row(_ cells: [String], _ kind: String) -> String {
            "<tr>" + cells.map { "<\(kind)>\(Drawing.escaped($0))</\(kind)>" }.joined() + "</tr>\n"
        }
        guard !table.rows.isEmpty else { return "" }
        return "<div class=table><table>\n<thead>\(row(table.headings, "th"))</thead>\n" + table.rows.map { row($0, "td") }.joined()
            + "</table></div>"
    }
}
