import Comparison
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite struct PicturesTests {
    /// Forty layers of two kinds, one with a name that a page must not believe, and something of every status.
    private static func drawn() throws -> CheckpointComparison {
        let hostile = #"w"><script>alert('&')</script>]]>"# + "\u{202e}\u{0}"
        let random = CounterRandom(seed: 1, name: "pictures")
        var (old, new): ([MadeTensor], [MadeTensor]) = ([], [])
        for layer in 0..<40 {
            let values = (0..<96).map { Float(random.normal(96 * layer + $0)) }
            for kind in ["attn.weight", hostile] {
                old.append(MadeTensor("h.\(layer).\(kind)", .bf16, values, shape: [8, 12]))
                let scale: Float = layer.isMultiple(of: 5) ? 1 : 1 + 0.01 * Float(layer)
                new.append(MadeTensor("h.\(layer).\(kind)", .bf16, values.map { $0 * scale }, shape: [8, 12]))
            }
        }
        old.append(MadeTensor("gone", [1, 2]))
        new.append(MadeTensor("embed.weight", [.nan, 1e38, -1e38]))
        old.append(MadeTensor("embed.weight", [1, 2, 3]))
        var needs = ComparisonNeeds()
        (needs.distributions, needs.spectra, needs.tails) = (true, true, true)
        return try comparison(old, new, needs)
    }

    @Test func filesAreWellFormedAndFetchNothing() throws {
        let comparison = try Self.drawn()
        let files = ComparisonFigures(comparison).files
        #expect(files.map(\.name) == ["relative-l2.svg", "stable-rank.svg", "histograms.svg", "spectra.svg"])
        for (name, contents) in files {
            #expect(contents.hasPrefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\""))
            let body = contents.drop { $0 != "\n" }
            #expect(Self.unclosed(body).isEmpty, "\(name): \(Self.unclosed(body))")
            Self.expectHarmless(contents.replacing("http://www.w3.org/2000/svg", with: ""), name)
        }
        let page = ComparisonPage(comparison, before: "<b>", after: "b&c", top: 3).document
        Self.expectHarmless(page, "page")
        let body = page.split(separator: "<body>")[1].split(separator: "</body>")[0]
        #expect(Self.unclosed(body).isEmpty, "\(Self.unclosed(body))")
        #expect(
            page.contains("&lt;b&gt; <span class=note>→</span> b&amp;c") && page.contains("82 tensors: 16 equal, 65 changed, 1 removed."))
    }

    @Test func whatIsIdenticalHasAPageToo() throws {
        let same = [MadeTensor("h.0.w", [1, 2])]
        let page = ComparisonPage(try comparison(same, same), before: "a", after: "b", top: 20).document
        #expect(page.contains("The two are identical.") && page.contains("class=\"hollow\""))
        #expect(ComparisonFigures(try comparison([], [])).files.isEmpty)
    }

    private static func expectHarmless(_ document: String, _ name: String) {
        for word in ["<script", "http:", "https:", "href", "url(", "src=", "\u{202e}", "\u{0}", "NaN\"", "inf\"", "alert('"] {
            #expect(!document.contains(word), "\(name) holds \(word)")
        }
    }

    /// Tags that are open at the end, or closed without having been opened; quotes within tags are respected.
    private static func unclosed(_ text: some StringProtocol) -> [String] {
        var open: [String] = []
        var rest = Array(text.utf8)[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[start...].dropFirst()
            var (tag, isQuoted): ([UInt8], Bool) = ([], false)
            while let next = rest.popFirst(), isQuoted || next != UInt8(ascii: ">") {
                if next == UInt8(ascii: "\"") { isQuoted.toggle() }
                tag.append(next)
            }
            let name = String(decoding: tag.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            if name.hasPrefix("/") {
                guard open.popLast() == String(name.dropFirst()) else { return ["<" + name] }
            } else if tag.last != UInt8(ascii: "/") {
                open.append(name)
            }
        }
        return open
    }
}
