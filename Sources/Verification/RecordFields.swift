internal import Storage
internal import SystemPackage

/// One line of a file of JSON lines, whose fields are asked for by their names.
struct RecordFields {
    let place: LinePlace
    private let object: JSONObject

    private static let longestLine = 1 << 24

    /// What `make` makes of every line that is not blank; at least one. Throws `TextRecordError`, and what `make` throws.
    static func read<Record>(_ path: FilePath, _ make: (RecordFields) throws -> Record) throws -> [Record] {
        var records: [Record] = []
        do {
            var lines = TextLines(try InputFile(path), longest: longestLine)
            while let line = try lines.next() {
                guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\t") }) else {
                    continue
                }
                records.append(try make(RecordFields(line, LinePlace(path: path, line: lines.number))))
            }
        } catch let error as StorageError { throw TextRecordError.file(error) }
        guard !records.isEmpty else { throw TextRecordError.noRecords(path) }
        return records
    }

    private init(_ line: [UInt8], _ place: LinePlace) throws(TextRecordError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: line.span) } catch { throw .notJSON(place, error) }
        guard let object = value.object else { throw .notAnObject(place, found: value.kindName) }
        (self.place, self.object) = (place, object)
    }

    func has(_ name: String) -> Bool { object[name] != nil }

    func value(_ name: String) throws(TextRecordError) -> JSONValue {
        guard let value = object[name] else {
            throw .missingFields(place, expected: JSONValue.string(name).serialized(), found: object.members.map(\.name))
        }
        return value
    }

    /// A text that is not empty.
    func text(_ name: String) throws(TextRecordError) -> String { try text(value(name), name) }

    /// An array of texts, at least one, none of them empty.
    func texts(_ name: String) throws(TextRecordError) -> [String] { try texts(value(name), name) }

    func texts(_ value: JSONValue, _ name: String) throws(TextRecordError) -> [String] {
        guard let elements = value.array else { throw .notAString(place, field: name + "[]", found: value.kindName) }
        guard !elements.isEmpty else { throw .emptyField(place, field: name) }
        var texts: [String] = []
        for element in elements { texts.append(try text(element, name + "[]")) }
        return texts
    }

    private func text(_ value: JSONValue, _ name: String) throws(TextRecordError) -> String {
        guard let text = value.string else { throw .notAString(place, field: name, found: value.kindName) }
        guard !text.isEmpty else { throw .emptyField(place, field: name) }
        return text
    }
}
