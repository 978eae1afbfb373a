internal import Glibc

/// Rows under headings, as Markdown or HTML shows them; the first column stands to the left, the others to the right.
struct ReportTable {
    let title: String
    let headings: [String]
    let rows: [[String]]
    /// What the figures mean.
    let note: String

    var markdown: String {
        let ruler = headings.indices.map { $0 == 0 ? ":--" : "--:" }
        let lines = ([headings, ruler] + rows).map { row in
            "| " + row.map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") }.joined(separator: " | ") + " |"
        }
        return "### \(title)\n\n" + lines.joined(separator: "\n") + (note.isEmpty ? "" : "\n\n\(note)")
    }

    var html: String {
        func row(_ cells: [String], _ kind: String) -> String {
            "<tr>" + cells.map { "<\(kind)>\(escapedMarkup($0))</\(kind)>" }.joined() + "</tr>\n"
        }
        return "<h2>\(escapedMarkup(title))</h2>\n<div class=table><table>\n<thead>\(row(headings, "th"))</thead>\n"
            + rows.map { row($0, "td") }.joined() + "</table></div>\n" + (note.isEmpty ? "" : "<p class=note>\(escapedMarkup(note))</p>\n")
    }
}

/// Text that nothing in a document of XML or HTML can take for anything else; controls, and marks that turn the direction, are written out.
func escapedMarkup(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
        switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": "&quot;"
        case "'": "&#39;"
        case _ where [.control, .format, .privateUse, .unassigned].contains(scalar.properties.generalCategory):
            scalar.escaped(asASCII: true)
        default: String(scalar)
        }
    }.joined()
}

extension Double {
    /// With four decimals, or in four figures where that would be too few or too many; a dash for no number.
    var shown: String {
        guard isFinite else { return "–" }
        guard self != 0 else { return "0" }
        let factor = (0.01..<1000).contains(magnitude) ? 10_000 : pow(10, 3 - log10(magnitude).rounded(.down))
        let rounded = factor.isFinite && factor > 0 ? (self * factor).rounded() / factor : self
        let text = "\(rounded)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
