import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// Models that are not part of the project.
@Suite(.serialized) struct RealModelTests {
    /// Greedy text of stories260K from an empty prompt, as its authors document it (karpathy/llama2.c, doc/stories260K.md).
    @Test(.enabled(if: Fixture.shared != nil, "needs ../shared/models/stories260K, or EXCISE_SHARED"))
    func stories260KTellsItsStory() throws {
        let model = try #require(Fixture.shared).appending("models/stories260K").string
        let result = try ExciseBinary.run(["generate", model, "--prompt", "", "--max-tokens", "60"])
        #expect(
            result.output.contains("Once upon a time, there was a little girl named Lily. She loved to play outside in the park."),
            "\(result.output)")
    }

    /// Perplexity of SmolLM2 on WikiText-2's first 60,000 bytes against transformers in float32 (Tests/parity/perplexity.py): four
    /// digits of it, and every token counted.
    @Test(
        .enabled(if: Fixture.smolLM2 != nil && Fixture.shared != nil, "needs SmolLM2-135M-Instruct by EXCISE_SMOLLM2, and ../shared"),
        arguments: [("lm-eval-rolling", 15485, 15.67125), ("hf-sliding:512", 15484, 13.549895)])
    func smolLM2Perplexity(method: String, tokens: Int, expected: Double) throws {
        let (model, shared) = (try #require(Fixture.smolLM2), try #require(Fixture.shared))
        let directory = try WorkingDirectory()
        let text = try InputFile.contents(of: shared.appending("data/text/wikitext2_valid.txt")).prefix(60000)
        let result = try ExciseBinary.run([
            "perplexity", model.string, "--data", try directory.write("text.txt", text), "--protocol", method, "--context", "1024",
            "--json",
        ])
        let report = try result.json()
        #expect(report["tokens"]?.integer == tokens)
        #expect(abs((report["perplexity"]?.number ?? 0) / expected - 1) < 5e-5)
    }

    /// A round of both edits of a part of TOFU within a gibibyte, by the operating system's account.
    @Test(
        .enabled(if: Fixture.smolLM2 != nil && Fixture.shared != nil, "needs SmolLM2-135M-Instruct by EXCISE_SMOLLM2, and ../shared"))
    func smolLM2Edits() throws {
        let (model, shared) = (try #require(Fixture.smolLM2), try #require(Fixture.shared))
        let directory = try WorkingDirectory()
        let questions = String(decoding: try InputFile.contents(of: shared.appending("data/tofu/forget01.json")), as: UTF8.self).split(
            separator: "\n")
        let forget = try directory.write("forget.json", questions[0..<3].joined(separator: "\n"))
        let keep = try directory.write("keep.json", questions[20..<23].joined(separator: "\n"))
        for method in ["fisher-targeted", "fisher-removal"] {
            let edit = try ExciseBinary.run([
                "edit", model.string, "--method", method, "--forget", forget, "--keep", keep, "--prompt-field", "question",
                "--completion-field", "answer",
                "--retain", shared.appending("data/text/us_constitution.txt").string, "--split", "paragraphs", "--samples", "8", "--rounds",
                "1",
                "--target-nll", "4", "--memory", "1GiB", "--best-effort", "--output", directory.path.appending(method).string, "--json",
            ])
            // One round does not reach the target.
            #expect(edit.status == 1, "\(edit.errors)")
            let memory = try edit.json()["memory"]
            let (measured, planned) = (
                try #require(memory?["measured_peak_bytes"]?.integer), try #require(memory?["planned_peak_bytes"]?.integer)
            )
            #expect(measured < 1 << 30)
            #expect(planned <= 1 << 30)
            #expect(measured <= planned)
        }
    }

    /// A checkpoint is verified within less memory than its file is large.
    @Test(
        .enabled(if: Fixture.smolLM2 != nil && Fixture.shared != nil, "needs SmolLM2-135M-Instruct by EXCISE_SMOLLM2, and ../shared"))
    func smolLM2IsVerifiedWithinLessThanItsSize() throws {
        let (model, shared) = (try #require(Fixture.smolLM2), try #require(Fixture.shared))
        let directory = try WorkingDirectory()
        let text = try InputFile.contents(of: shared.appending("data/text/us_constitution.txt")).prefix(4000)
        let retain = try directory.write("retain.txt", text)
        let report = try ExciseBinary.run([
            "verify", model.string, model.string, "--forget", retain, "--retain", retain, "--split", "paragraphs", "--memory", "230MiB",
            "--gate", "retain.ratio <= 1.01", "--json",
        ]).json()
        let memory = report["memory"]
        let (measured, planned) = (
            try #require(memory?["measured_peak_bytes"]?.integer), try #require(memory?["planned_peak_bytes"]?.integer)
        )
        let size = try InputFile.contents(of: model.appending("model.safetensors")).count
        #expect(measured <= planned)
        #expect(planned <= 230 << 20)
        #expect(230 << 20 < size)
        #expect(report["exit_code"]?.integer == 0)
    }
}
