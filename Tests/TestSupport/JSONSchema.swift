package import Storage
internal import SystemPackage

/// Checks a document against one of Formats/Schemas: as much of JSON Schema as those files use.
package struct JSONSchema {
    package struct Mismatch: Error, CustomStringConvertible {
        package let description: String
    }

    private static let understood: Set<String> = [
        "$schema", "$id", "$defs", "$ref", "title", "description", "type", "required", "properties", "additionalProperties", "items",
        "const", "enum",
        "anyOf", "oneOf", "pattern", "minimum", "maximum", "minLength", "minItems",
    ]
    private let root: JSONValue

    /// The schema of that name: a command's report, an error, an architecture.
    package init(_ name: String) throws {
        root = try InputFile.json(Fixture.project.appending("Formats/Schemas/\(name).schema.json"))
    }

    package func check(_ document: JSONValue) throws { try check(document, root, at: "$") }

    private func check(_ value: JSONValue, _ schema: JSONValue, at path: String) throws {
        for member in schema.object?.members ?? [] where !Self.understood.contains(member.name) {
            throw Mismatch(description: "\(path): the schema's \(member.name) is not understood")
        }
        func expect(_ holds: Bool, _ what: String) throws {
            guard holds else { throw Mismatch(description: "\(path): \(what); found \(value.serialized(pretty: false).prefix(200))") }
        }
        if let reference = schema["$ref"]?.string {
            let name = String(reference.split(separator: "/").last ?? "")
            guard let target = root["$defs"]?[name] else { throw Mismatch(description: "no \(reference)") }
            try check(value, target, at: path)
        }
        if let type = schema["type"] {
            let names = type.array?.compactMap(\.string) ?? [type.string ?? ""]
            try expect(names.contains { matches(value, $0) }, "should be \(names)")
        }
        if let constant = schema["const"] {
            try expect(constant.serialized(pretty: false) == value.serialized(pretty: false), "should be \(constant)")
        }
        if let values = schema["enum"]?.array {
            try expect(values.contains { $0.serialized(pretty: false) == value.serialized(pretty: false) }, "is none of the enumeration")
        }
        if let minimum = schema["minimum"]?.number, let number = value.number {
            try expect(number >= minimum, "should be at least \(minimum)")
        }
        if let maximum = schema["maximum"]?.number, let number = value.number {
            try expect(number <= maximum, "should be at most \(maximum)")
        }
        if let pattern = schema["pattern"]?.string, let text = value.string {
            try expect(text.firstMatch(of: Regex(pattern)) != nil, "should match \(pattern)")
        }
        if let alternatives = schema["anyOf"]?.array {
            try expect(alternatives.contains { alternative in (try? check(value, alternative, at: path)) != nil }, "fits no alternative")
        }
        if let alternatives = schema["oneOf"]?.array {
            let fitting = alternatives.count { alternative in (try? check(value, alternative, at: path)) != nil }
            try expect(fitting == 1, "fits \(fitting) of the alternatives")
        }
        if let least = schema["minLength"]?.integer, let text = value.string {
            try expect(text.unicodeScalars.count >= least, "is too short")
        }
        if let least = schema["minItems"]?.integer, let elements = value.array {
            try expect(elements.count >= least, "has too few elements")
        }
        for name in schema["required"]?.array?.compactMap(\.string) ?? [] where value.object != nil {
            try expect(value[name] != nil, "should have \(name)")
        }
        for member in value.object?.members ?? [] {
            if let property = schema["properties"]?[member.name] {
                try check(member.value, property, at: "\(path).\(member.name)")
            } else if schema["additionalProperties"]?.boolean == false {
                try expect(false, "should not have \(member.name)")
            } else if let additional = schema["additionalProperties"], additional.object != nil {
                try check(member.value, additional, at: "\(path).\(member.name)")
            }
        }
        if let items = schema["items"] {
            for (index, element) in (value.array ?? []).enumerated() { try check(element, items, at: "\(path)[\(index)]") }
        }
    }

    private func matches(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "null": value.isNull
        case "boolean": value.boolean != nil
        case "integer": value.integer != nil
        case "number": value.number != nil
        case "string": value.string != nil
        case "array": value.array != nil
        case "object": value.object != nil
        default: false
        }
    }
}
