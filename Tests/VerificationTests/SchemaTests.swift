import Storage
import SystemPackage
import Testing

/// Formats/Schemas beside the contract: each report has its schema, and each schema demands the fields that others read.
struct SchemaTests {
    private func schema(_ name: String) throws -> JSONValue {
        try InputFile.json(FilePath(#filePath).appending("../../../Formats/Schemas/\(name).schema.json").lexicallyNormalized())
    }

    private func names(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }

    @Test(arguments: [
        "inspect": ["content_digest"],
        "tokenize": [],
        "generate": [],
        "trace": [],
        "pack": ["files", "bytes", "output", "output_bytes", "sha256"],
        "unpack": ["files", "bytes", "output"],
        "diff": ["identical", "tensors"],
        "convert": ["output", "tensors", "converted", "bytes", "shards", "content_digest"],
        "score": ["records"],
        "perplexity": ["protocol", "tokens", "nll", "perplexity", "bits_per_byte", "records"],
        "edit": ["method", "parameters_edited", "rounds", "memory", "output_sha256"],
        "verify": ["forget", "retain", "keep", "holdout", "kl_divergence", "top1_agreement", "metrics", "gates", "passed"],
    ])
    func reportsHaveTheirFields(_ command: String, _ fields: [String]) throws {
        let schema = try schema(command)
        let required = names(schema["required"])
        #expect(required.starts(with: ["schema", "tool", "command", "inputs"]) && required.last == "exit_code")
        #expect(Set(fields).isSubset(of: required))
        #expect(schema["$id"]?.string == "https://excise.dev/schemas/\(command)/v1")
        #expect(schema["properties"]?["schema"]?["const"]?.string == schema["$id"]?.string)
        #expect(schema["properties"]?["command"]?["const"]?.string == command)
        #expect(schema["additionalProperties"]?.boolean == true)
    }

    @Test(arguments: [
        ("inspect", "properties/inputs/items", ["role", "path", "sha256"]),
        ("inspect", "properties/tool", ["name", "version"]),
        ("tokenize", "properties/records/items", ["ids"]),
        ("score", "properties/records/items", ["index", "tokens", "nll", "greedy_match"]),
        ("edit", "properties/rounds/items", ["forget_nll_predicted", "forget_nll", "retain_nll_predicted", "retain_nll", "step"]),
        ("edit", "properties/memory", ["budget_bytes", "planned_peak_bytes", "measured_peak_bytes"]),
        ("verify", "$defs/side", ["nll_per_token", "perplexity", "recited"]),
        ("verify", "$defs/pair", ["base", "edited", "ratio", "ci95"]),
        ("verify", "$defs/pair/properties/ci95", ["low", "high"]),
        ("verify", "$defs/kl_divergence", ["mean", "p99", "max"]),
        ("verify", "properties/gates/items", ["expression", "value", "passed"]),
        ("diff", "properties/counts", ["equal", "changed", "added", "removed"]),
        ("diff", "properties/gate", ["statistic", "threshold", "exceeding"]),
        ("diff", "$defs/spectra", ["difference", "tails", "remark"]),
        ("error", "properties/error", ["code", "kind", "message"]),
    ])
    func partsHaveTheirFields(_ name: String, _ place: String, _ fields: [String]) throws {
        let part = place.split(separator: "/").reduce(try schema(name)) { $0[String($1)] ?? .null }
        #expect(names(part["required"]) == fields)
        #expect(part["properties"]?.object?.members.map(\.name).starts(with: fields) == true)
    }

    @Test func errorsHaveTheExitCodesOfFaults() throws {
        let code = try schema("error")["properties"]?["error"]?["properties"]?["code"]
        let codes = (code?["enum"]?.array ?? []).compactMap(\.integer)
        let faults: [Fault] = [
            .usage, .malformedInput, .missingInput, .unsupported, .internalError, .cannotCreate, .inputOutput, .digestMismatch, .overBudget,
        ]
        #expect(codes == faults.map { Int($0.rawValue) } + [130])
    }

    /// Whatever a schema demands it also describes, at every level.
    @Test(arguments: [
        "inspect", "tokenize", "generate", "trace", "score", "perplexity", "edit", "verify", "diff", "pack", "unpack", "convert", "error",
    ])
    func demandsOnlyWhatItDescribes(_ name: String) throws {
        func check(_ value: JSONValue) {
            if let properties = value["properties"]?.object {
                #expect(Set(names(value["required"])).isSubset(of: properties.members.map(\.name)))
            }
            for member in value.object?.members ?? [] { check(member.value) }
        }
        let schema = try schema(name)
        #expect(schema["$schema"]?.string == "https://json-schema.org/draft/2020-12/schema")
        check(schema)
    }
}
