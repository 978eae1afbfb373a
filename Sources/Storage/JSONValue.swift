/// A JSON document as a value. Objects keep their members in the order they were written.
///
/// Strings are Swift strings for convenience, but Swift compares them by canonical equivalence: where bytes matter
/// (a vocabulary, a tensor's name) use `Array(text.utf8)`.
package enum JSONValue: Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// An object of the given members, in the given order.
    package static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(JSONObject(members: members.map { ($0.key, $0.value) }))
    }

    package var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// An integer or a fraction, as Double.
    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    package var isNull: Bool { if case .null = self { true } else { false } }

    /// The member of an object; nil where there is none, or where this is no object.
    package subscript(name: String) -> JSONValue? { object?[name] }
}

/// The members of a JSON object, in the order they were written.
package struct JSONObject: Sendable {
    package var members: [(name: String, value: JSONValue)]

    package init(members: [(name: String, value: JSONValue)] = []) { self.members = members }

    /// The first member of that name. Linear in the number of members: iterate over `members` where there are many.
    package subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(nilLiteral: ()) { self = .null }
}
