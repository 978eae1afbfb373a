internal import CJSONC

/// Why a text is not a JSON document.
package struct JSONSyntaxError: Error, CustomStringConvertible {
    package var offset: Int
    package var reason: String
    /// The name that two members of one object have, where that is what is wrong.
    package var repeatedName: String?
    package var description: String { "not JSON at byte \(offset): \(reason)" }
}

extension JSONValue {
    /// Parses one whole document (RFC 8259 and nothing more: no comments, no trailing commas, UTF-8 only).
    ///
    /// Two members of one object must not have the same name: such a document means different things to different readers.
    ///
    /// - Parameter depth: how deeply objects and arrays may nest.
    package init(parsing bytes: Span<UInt8>, depth: Int = 64) throws(JSONSyntaxError) {
        if let plain = SurrogatePairs.writtenOut(bytes) {
            try self.init(parsing: plain.span, depth: depth)
            return
        }
        guard bytes.count < Int(Int32.max) else { throw JSONSyntaxError(offset: 0, reason: "the document is longer than 2 GiB") }
        guard let tokener = unsafe json_tokener_new_ex(Int32(depth)) else { throw JSONSyntaxError(offset: 0, reason: "out of memory") }
        defer { unsafe json_tokener_free(tokener) }
        unsafe json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8)
        var end = 0
        // A lone number ends only where the parser sees something behind it, so a space is given to it after the text.
        let document = unsafe bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            guard let start = buffer.baseAddress, buffer.count > 0 else { return nil }
            let parsed = unsafe start.withMemoryRebound(to: CChar.self, capacity: buffer.count) {
                unsafe json_tokener_parse_ex(tokener, $0, Int32(buffer.count))
            }
            if unsafe parsed == nil, unsafe json_tokener_get_error(tokener) == json_tokener_continue {
                end = bytes.count
                return unsafe json_tokener_parse_ex(tokener, " ", 1)
            }
            end = unsafe json_tokener_get_parse_end(tokener)
            return unsafe parsed
        }
        let status = unsafe json_tokener_get_error(tokener)
        defer { if let document = unsafe document { unsafe json_object_put(document) } }
        guard status == json_tokener_success, bytes.count > 0 else {
            let reason = unsafe String(cString: json_tokener_error_desc(status))
            let isCut = status == json_tokener_continue
            throw JSONSyntaxError(offset: end, reason: bytes.isEmpty ? "the text is empty" : isCut ? "the text ends too early" : reason)
        }
        for index in min(end, bytes.count)..<bytes.count where ![0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) {
            throw JSONSyntaxError(offset: index, reason: "something follows the document")
        }
        try JSONStrictness.check(bytes)
        self = unsafe JSONValue(copying: document)
    }

    private init(copying node: OpaquePointer?) {
        switch unsafe json_object_get_type(node) {
        case json_type_boolean:
            self = unsafe .boolean(json_object_get_boolean(node) != 0)
        case json_type_int:
            self = unsafe .integer(Int(json_object_get_int64(node)))
        case json_type_double:
            self = unsafe .number(json_object_get_double(node))
        case json_type_string:
            self = unsafe .string(Self.string(json_object_get_string(node), Int(json_object_get_string_len(node))))
        case json_type_array:
            let count = unsafe json_object_array_length(node)
            self = .array((0..<count).map { unsafe JSONValue(copying: json_object_array_get_idx(node, $0)) })
        case json_type_object:
            var members: [(name: String, value: JSONValue)] = []
            members.reserveCapacity(Int(unsafe json_object_object_length(node)))
            var entry = unsafe excise_json_object_first(node)
            while let current = unsafe entry {
                let name = unsafe String(cString: excise_json_entry_name(current))
                members.append((name, unsafe JSONValue(copying: excise_json_entry_value(current))))
                unsafe entry = excise_json_object_next(current)
            }
            self = .object(JSONObject(members: members))
        default:
            self = .null
        }
    }

    private static func string(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        guard let start = unsafe start else { return "" }
        return unsafe start.withMemoryRebound(to: UInt8.self, capacity: count) {
            unsafe String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
        }
    }
}
