internal import Storage
package import SystemPackage

/// A question, its true answer in other words, and false answers of the same form: TOFU's perturbed files.
package struct PerturbedAnswers: Sendable, Equatable {
    package let prompt: String
    package let paraphrase: String
    package let perturbed: [String]

    /// The names of the fields that hold them.
    package struct Fields: Sendable {
        package let prompt: String
        package let paraphrase: String
        package let perturbed: String

        package init(prompt: String, paraphrase: String, perturbed: String) {
            (self.prompt, self.paraphrase, self.perturbed) = (prompt, paraphrase, perturbed)
        }
    }

    private static let longestLine = 1 << 24

    /// The records of a file of JSON lines, at least one. Throws `TextRecordError`.
    package static func read(_ path: FilePath, _ fields: Fields) throws -> [PerturbedAnswers] {
        var records: [PerturbedAnswers] = []
        do {
            var lines = TextLines(try InputFile(path), longest: longestLine)
            while let line = try lines.next() {
                guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\t") }) else {
                    continue
                }
                records.append(try record(line, LinePlace(path: path, line: lines.number), fields))
            }
        } catch let error as StorageError { throw TextRecordError.file(error) }
        guard !records.isEmpty else { throw TextRecordError.noRecords(path) }
        return records
    }

    private static func record(_ line: [UInt8], _ place: LinePlace, _ fields: Fields) throws(TextRecordError) -> PerturbedAnswers {
        let value: JSONValue
        do { value = try JSONValue(parsing: line.span) } catch { throw .notJSON(place, error) }
        guard let object = value.object else { throw .notAnObject(place, found: value.kindName) }
        func field(_ name: String) throws(TextRecordError) -> JSONValue {
            guard let value = object[name] else {
                throw .missingFields(place, expected: JSONValue.string(name).serialized(), found: object.members.map(\.name))
            }
            return value
        }
        func text(_ value: JSONValue, _ name: String) throws(TextRecordError) -> String {
            guard let text = value.string else { throw .notAString(place, field: name, found: value.kindName) }
            guard !text.isEmpty else { throw .emptyField(place, field: name) }
            return text
        }
        let answers = try field(fields.perturbed)
        guard let elements = answers.array else { throw .notAString(place, field: fields.perturbed + "[]", found: answers.kindName) }
        guard !elements.isEmpty else { throw .emptyField(place, field: fields.perturbed) }
        var perturbed: [String] = []
        for element in elements { perturbed.append(try text(element, fields.perturbed + "[]")) }
        return PerturbedAnswers(
            prompt: try text(field(fields.prompt), fields.prompt), paraphrase: try text(field(fields.paraphrase), fields.paraphrase),
            perturbed: perturbed)
    }

    /// The paraphrase, then the false answers, each after the prompt.
    var candidates: [TextRecord] { ([paraphrase] + perturbed).map { .completion(prompt: prompt, completion: $0) } }
}
