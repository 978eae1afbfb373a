/// A report as one page of HTML, without scripts and without anything that is fetched.
package struct VerificationPage {
    private let report: VerificationReport
    private let policy: Policy?
    private let names: (base: String, edited: String)

    package init(_ report: VerificationReport, policy: Policy?, base: String, edited: String) {
        (self.report, self.policy, names) = (report, policy, (base, edited))
    }

    package var document: String {
        let tables = ReportTables(report, policy)
        let verdict = "<p class=\"verdict \(report.passed ? "passed" : "failed")\">\(escapedMarkup(report.verdict))</p>"
        let body = [
            "<h1>\(escapedMarkup(names.base)) <span class=note>→</span> \(escapedMarkup(names.edited))</h1>", verdict,
            gates, losses(tables.comparisons), exposures, tables.measured.map(\.html).joined(), "<p class=note>Made by excise verify.</p>",
        ].joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>excise verify</title><style>\(Self.style)</style></head><body>
            \(body)
            </body></html>

            """
    }

    /// Each with what became of it and why it is there: a list, which narrow screens show whole.
    private var gates: String {
        let items = report.gates.map { gate in
            let found = gate.value.map { "left side \($0.shown)" } ?? "could not be computed"
            let reason = gate.reason(policy).map { "; to show: \(escapedMarkup($0))" } ?? ""
            return "<li class=\(gate.passed ? "passed" : "failed")><b>\(gate.passed ? "passed" : "FAILED")</b> "
                + "<code>\(escapedMarkup(gate.expression))</code><br><span class=note>\(found)\(reason)</span></li>"
        }
        let note = policy.map { "<p class=note>Policy \(escapedMarkup($0.name)). \(escapedMarkup($0.description))</p>\n" } ?? ""
        return "<h2>Gates</h2>\n\(note)<ul class=gates>\n\(items.joined(separator: "\n"))\n</ul>"
    }

    /// Each text's loss in each model, as bars.
    private func losses(_ comparisons: [(name: String, comparison: TextComparison)]) -> String {
        let groups = comparisons.map { name, row in
            BarChart.Group(
                name: name,
                values: [("base", row.base.nllPerToken), ("edited", row.edited.nllPerToken)]
                    + (row.retrained.map { [("retrained", $0.nllPerToken)] } ?? []))
        }
        return BarChart(title: "Loss, in nats a token", groups: groups).html
    }

    /// Each secret's exposure.
    private var exposures: String {
        guard let exposures = report.findings.exposures else { return "" }
        let groups = exposures.canaries.enumerated().map { index, canary in
            BarChart.Group(
                name: "record \(index + 1)",
                values: [("base", canary.base.bits), ("edited", canary.edited.bits)]
                    + (canary.retrained.map { [("retrained", $0.bits)] } ?? []))
        }
        return BarChart(title: "Exposure of secrets, in bits", groups: Array(groups.prefix(40))).html
    }

    private static let style = """
        :root{color-scheme:light dark;--page:#fff;--line:#d1d9e0;--faint:#59636e;--base:#818b98;--edited:#0072b2;--retrained:#d55e00}
        body{margin:0 auto;padding:24px 20px;max-width:1080px;background:var(--page);color:#1f2328;
        font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
        h1{font-size:20px;overflow-wrap:anywhere}h2{font-size:16px;margin:32px 0 8px}
        .note{color:var(--faint);font-weight:400}p.note{font-size:13px;max-width:75ch}
        .verdict{font-weight:600;padding:8px 14px;border-left:6px solid}.passed{border-color:#1a7f37}.failed{border-color:#b3261e}
        .table{overflow-x:auto}
        table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
        td,th{padding:3px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
        td:first-child,th:first-child{text-align:left;padding-left:0;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
        th{white-space:normal;vertical-align:bottom}
        td:first-child,th:first-child{position:sticky;left:0;background:var(--page)}
        .gates{list-style:none;padding:0;font-size:13px}.gates li{padding:3px 10px;margin:4px 0;border-left:4px solid}
        .gates b{display:inline-block;min-width:4.5em}.gates code{overflow-wrap:anywhere}.gates .passed b{font-weight:400}
        li.passed{border-color:#1a7f37}li.failed{border-color:#b3261e}
        .bars{display:grid;grid-template-columns:max-content 1fr;gap:10px 14px;font-size:13px}
        .bars b{font-weight:400;align-self:center}
        .bar{display:flex;align-items:center;gap:6px;line-height:1.25}
        .bar i{display:block;height:9px;min-width:1px;border-radius:1px}
        .base{background:var(--base)}.edited{background:var(--edited)}.retrained{background:var(--retrained)}
        .key i{display:inline-block;width:10px;height:10px;margin:0 5px 0 14px}
        @media(prefers-color-scheme:dark){:root{--page:#0d1117;--line:#2f363e;--faint:#9198a1;--edited:#56b4e9;--retrained:#e69f00}
        body{color:#e6edf3}}
        """
}

/// Groups of horizontal bars of one scale.
private struct BarChart {
    struct Group {
        let name: String
        /// By the name of the model, which has a colour.
        let values: [(model: String, value: Double)]
    }

    let title: String
    let groups: [Group]

    var html: String {
        let most = groups.flatMap(\.values).map(\.value).filter(\.isFinite).max() ?? 0
        let models = groups.map { $0.values.map(\.model) }.max { $0.count < $1.count } ?? []
        let key = models.map { "<i class=\($0)></i>\($0)" }.joined()
        let rows = groups.map { group in
            let bars = group.values.map { bar in
                // Less than all, so that the figure has room behind the longest.
                let share = most > 0 && bar.value.isFinite ? max(0, bar.value / most) * 88 : 0
                return "<div class=bar><i class=\(bar.model) style=\"width:\((share * 100).rounded() / 100)%\"></i>\(bar.value.shown)</div>"
            }
            return "<b>\(escapedMarkup(group.name))</b><div>\(bars.joined())</div>"
        }
        return "<h2>\(title)</h2>\n<p class=\"note key\">\(key)</p>\n<div class=bars>\(rows.joined(separator: "\n"))</div>\n"
    }
}
