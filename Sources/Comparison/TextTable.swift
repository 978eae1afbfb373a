/// Rows of text under headings, as a terminal, Markdown or a CSV file (RFC 4180) shows them.
package struct TextTable: Sendable {
    /// The first column stands to the left, the others to the right.
    package let headings: [String]
    package let rows: [[String]]

    package init(_ headings: [String], _ rows: [[String]]) { (self.headings, self.rows) = (headings, rows) }

    package var text: String {
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        return ([headings] + rows).map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    package var markdown: String {
        let ruler = headings.indices.map { $0 == 0 ? ":--" : "--:" }
        let cells = rows.map { row in row.indices.map { $0 == 0 ? Self.code(row[$0]) : Self.escaped(row[$0]) } }
        return ([headings.map(Self.escaped), ruler] + cells).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }

    package var csv: String { ([headings] + rows).map { $0.map(Self.field).joined(separator: ",") + "\r\n" }.joined() }

    private static func code(_ text: String) -> String { "`" + escaped(text.replacing("`", with: "'")) + "`" }

    private static func escaped(_ text: String) -> String { text.replacing("|", with: "\\|").replacing("\n", with: " ") }

    private static func field(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
        return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
