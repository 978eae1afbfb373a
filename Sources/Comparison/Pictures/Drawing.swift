internal import Checkpoints

/// SVG as it grows. Lengths are in pixels; colours are the style's classes, or fills where a value decides.
struct Drawing: Sendable {
    private(set) var text = ""

    enum Anchor: String { case start, middle, end }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, style: String = "", fill: String? = nil, title: String? = nil
    ) {
        let body = title.map { "><title>\(Self.escaped($0))</title></rect>" } ?? "/>"
        let paint = (style.isEmpty ? "" : " class=\"\(style)\"") + (fill.map { " fill=\"\($0)\"" } ?? "")
        let corner = "x=\"\(Self.pixels(x))\" y=\"\(Self.pixels(y))\""
        text += "<rect \(corner) width=\"\(Self.pixels(width))\" height=\"\(Self.pixels(height))\"\(paint)\(body)\n"
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) {
        let ends = "x1=\"\(Self.pixels(x1))\" y1=\"\(Self.pixels(y1))\" x2=\"\(Self.pixels(x2))\" y2=\"\(Self.pixels(y2))\""
        text += "<line \(ends) class=\"\(style)\"/>\n"
    }

    /// A line through points, with a colour of its own or the style's.
    mutating func path(_ points: [(x: Double, y: Double)], style: String, stroke: String? = nil, title: String? = nil) {
        guard let first = points.first else { return }
        let rest = points.dropFirst().map { "L\(Self.pixels($0.x)) \(Self.pixels($0.y))" }.joined()
        let body = title.map { "><title>\(Self.escaped($0))</title></path>" } ?? "/>"
        let paint = " class=\"\(style)\"" + (stroke.map { " stroke=\"\($0)\"" } ?? "")
        text += "<path d=\"M\(Self.pixels(first.x)) \(Self.pixels(first.y))\(rest)\"\(paint)\(body)\n"
    }

    mutating func label(_ words: String, _ x: Double, _ y: Double, _ anchor: Anchor = .start, style: String = "ink") {
        let place = "x=\"\(Self.pixels(x))\" y=\"\(Self.pixels(y))\""
        text += "<text \(place) text-anchor=\"\(anchor.rawValue)\" class=\"\(style)\">\(Self.escaped(words))</text>\n"
    }

    /// Another drawing, moved.
    mutating func add(_ other: Drawing, _ x: Double, _ y: Double) {
        text += "<g transform=\"translate(\(Self.pixels(x)) \(Self.pixels(y)))\">\n\(other.text)</g>\n"
    }

    private static func pixels(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() && abs(rounded) < 1e9 ? String(Int(rounded)) : "\(rounded)"
    }

    /// Text that nothing in a document of XML or HTML can take for anything else; what cannot be shown is written out.
    static func escaped(_ text: String) -> String {
        String(CheckpointError.quoted(text).dropFirst().dropLast()).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }

    /// A name in no more than so many characters, its middle left out where it is longer.
    static func shortened(_ name: String, to count: Int) -> String {
        name.count <= count ? name : String(name.prefix(count / 2 - 1)) + "…" + String(name.suffix(count - count / 2))
    }
}

/// A drawing with its size and what it shows.
package struct Figure: Sendable {
    let title: String
    let width: Double
    let height: Double
    let drawing: Drawing

    /// Colours for light and dark surroundings: Okabe and Ito's, which colour-blind people tell apart.
    static let style = """
        text{font:11px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
        .ground{fill:#fff}.ink{fill:#1f2328}.faint{fill:#59636e}.title{fill:#1f2328;font-size:13px;font-weight:600}
        .axis{stroke:#818b98;stroke-width:1}.rule{stroke:#d1d9e0;stroke-width:.7}.hollow{fill:none;stroke:#b5bec8;stroke-width:.7}
        .cross{stroke:#b3261e;stroke-width:1.2}.before{fill:#818b98;fill-opacity:.4}.after{fill:none;stroke:#0072b2;stroke-width:1.4}
        .difference{fill:#d55e00;fill-opacity:.75}.curve{fill:none;stroke-width:1.2;stroke-opacity:.85}
        @media(prefers-color-scheme:dark){.ground{fill:#0d1117}.ink,.title{fill:#e6edf3}.faint{fill:#9198a1}.axis{stroke:#7d8590}
        .rule{stroke:#2f363e}.hollow{stroke:#4b535d}.cross{stroke:#ff7b72}.before{fill:#9198a1;fill-opacity:.45}.after{stroke:#56b4e9}
        .difference{fill:#e69f00;fill-opacity:.75}}
        """

    /// A file of its own.
    package var document: String {
        var ground = Drawing()
        ground.rectangle(0, 0, width, height, style: "ground")
        return
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(opening(" xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(width))\" height=\"\(Int(height))\""))"
            + "<style>\(Self.style)</style>\n\(ground.text)\(drawing.text)</svg>\n"
    }

    /// As a part of a page that has the style: no narrower than it can be read.
    var inline: String {
        opening(" style=\"min-width:\(Int(min(width, 900)))px;max-width:\(Int(width * 1.25))px\"") + "\(drawing.text)</svg>\n"
    }

    /// As one of many in such a page, as wide as its place.
    var panel: String { opening("") + "\(drawing.text)</svg>\n" }

    private func opening(_ attributes: String) -> String {
        "<svg\(attributes) viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(Drawing.escaped(title))\">\n"
    }
}
