import Storage

/// The part of JSON Schema that Formats/Schemas/architecture.schema.json is written in. A keyword beyond it is a problem too.
struct SchemaValidator {
    let schema: JSONValue

    /// Where the value is not what the schema says, and why; empty for a valid one.
    func problems(_ value: JSONValue) -> [String] { problems(value, schema, at: "") }

    private func problems(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        var found: [String] = []
        for (keyword, rule) in schema.object?.members ?? [] {
            switch keyword {
            case "$schema", "$id", "title", "description", "$defs": break
            case "$ref":
                let target = rule.string.flatMap { self.schema["$defs"]?[String($0.dropFirst("#/$defs/".count))] }
                found += target.map { problems(value, $0, at: place) } ?? ["\(place): no definition \(rule.serialized())"]
            case "type":
                let types = rule.array?.compactMap(\.string) ?? [rule.string ?? ""]
                if !types.contains(where: { isOf($0, value) }) { found.append("\(place): \(value.kindName) is none of \(types)") }
            case "enum":
                if rule.array?.contains(where: { $0.serialized() == value.serialized() }) != true { found.append("\(place): \(value.serialized())") }
            case "minLength":
                if let text = value.string, text.unicodeScalars.count < rule.integer ?? 0 { found.append("\(place): too short") }
            case "minItems":
                if let elements = value.array, elements.count < rule.integer ?? 0 { found.append("\(place): too few") }
            case "pattern":
                // The one pattern there is.
                if rule.string != #"\{layer\}"# { found.append("\(place): an unknown pattern") }
                if let text = value.string, !text.contains("{layer}") { found.append("\(place): no {layer}") }
            case "items":
                for (index, element) in (value.array ?? []).enumerated() { found += problems(element, rule, at: "\(place)[\(index)]") }
            case "required":
                for name in rule.array?.compactMap(\.string) ?? [] where value.object != nil && value[name] == nil { found.append("\(place): no \(name)") }
            case "properties":
                for (name, rule) in rule.object?.members ?? [] {
                    if let member = value[name] { found += problems(member, rule, at: "\(place).\(name)") }
                }
            case "additionalProperties":
                let known = Set(schema["properties"]?.object?.members.map(\.name) ?? [])
                for (name, member) in value.object?.members ?? [] where !known.contains(name) {
                    if rule.boolean == false { found.append("\(place): \(name)") }
                    if rule.object != nil { found += problems(member, rule, at: "\(place).\(name)") }
                }
            default: found.append("the schema's keyword \(keyword)")
            }
        }
        return found
    }

    private func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch type {
        case "object": value.object != nil
        case "array": value.array != nil
        case "string": value.string != nil
        case "boolean": value.boolean != nil
        case "number": value.number != nil
        case "null": value.isNull
        default: false
        }
    }
}
