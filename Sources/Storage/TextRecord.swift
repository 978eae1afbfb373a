package import SystemPackage

/// One record of a TEXT file.
package enum TextRecord: Sendable, Equatable {
    /// A text of its own: loss counts on all of it.
    case text(String)
    /// A prompt and what follows it: loss counts on the completion only. The two are kept as they were written; nothing was put between them.
    case completion(prompt: String, completion: String)
    /// Token ids, made elsewhere: loss counts on all of them.
    case tokens([Int32])
    /// A record of which only some of the tokens count that would without this: ranges of these, ascending, from 0.
    indirect case part(of: TextRecord, tokens: [Range<Int>])

    /// The record as if all of it counted.
    package var whole: TextRecord {
        if case .part(let record, _) = self { record } else { self }
    }
}

/// How a TEXT file is to be read: the names of its fields, and where a plain text is cut.
package struct TextFormat: Sendable {
    /// What one record of a plain text is.
    package enum Split: String, Sendable, CaseIterable {
        /// The whole file, byte for byte.
        case whole
        /// A line, without its end (LF or CRLF). Blank lines are none.
        case lines
        /// A run of lines without a blank one, without the last one's end.
        case paragraphs
    }

    package var textField = "text"
    package var promptField = "prompt"
    package var completionField = "completion"
    package var split: Split = .whole

    package init() {}
}

/// Reads TEXT files that hold text: `.jsonl`, `.json` that holds JSON lines, and `.txt`, each also compressed (`CompressedFile`).
///
/// 1. The extension decides, in any case of letters; what cannot be read yet is refused by name.
/// 2. A file is UTF-8. A byte order mark at its start is the mark of an encoding, not text, and is left out.
/// 3. JSON lines: one object a line, ended by LF or CRLF; blank lines are passed over but counted in line numbers, which start at 1.
/// 4. An object is a text, or a prompt with its completion, never both; members of other names are passed over.
/// 5. A record has something to score: an empty text or completion is refused, an empty prompt is not.
/// 6. A member `token_spans`, pairs [from, to) of whole numbers, ascending, says which of the tokens count that else all would.
package struct TextRecords {
    /// The most bytes that a TEXT file may have, decompressed.
    package static let largestFile = 1 << 28

    /// The records of the file, in its order; at least one.
    ///
    /// - Parameter limit: the largest file taken, in bytes, decompressed. It is held in memory whole, as are its records.
    package static func read(
        _ path: FilePath, format: TextFormat = TextFormat(), limit: Int = largestFile
    ) throws(TextRecordError) -> [TextRecord] {
        let isLines = try holdsLines(path)
        let contents: [UInt8]
        do { contents = try CompressedFile.contents(of: path, limit: limit) } catch { throw .file(error) }
        do {
            _ = try UTF8Span(validating: contents.span)
        } catch {
            throw .notUTF8(path, line: 1 + contents[..<error.byteOffsets.lowerBound].count { $0 == newLine })
        }
        let text = contents.starts(with: [0xEF, 0xBB, 0xBF]) ? contents[3...] : contents[...]
        let records = isLines ? try objects(in: text, path, format) : plain(text, split: format.split)
        guard !records.isEmpty else { throw .noRecords(path) }
        return records
    }

    /// Calls `body` with the records of the file, in its order; at least one. Of JSON lines and of plain text cut at lines, no more
    /// than a record is held, however large the file is. Throws `TextRecordError`, and what `body` throws.
    package static func forEach(_ path: FilePath, format: TextFormat = TextFormat(), _ body: (TextRecord) throws -> Void) throws {
        let isJSON = try holdsLines(path)
        guard isJSON || format.split == .lines, CompressedFile.plainName(path) == path else {
            for record in try read(path, format: format) { try body(record) }
            return
        }
        var isEmpty = true
        do {
            var lines = TextLines(try InputFile(path), longest: largestFile)
            while let bytes = try lines.next() {
                var line = bytes[...]
                if lines.number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
                if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
                guard !isBlank(line) else { continue }
                guard let text = String(validating: line, as: UTF8.self) else { throw TextRecordError.notUTF8(path, line: lines.number) }
                isEmpty = false
                try body(isJSON ? record(line, LinePlace(path: path, line: lines.number), format) : .text(text))
            }
        } catch let error as StorageError { throw TextRecordError.file(error) }
        if isEmpty { throw TextRecordError.noRecords(path) }
    }

    /// Whether the file holds JSON lines; false for plain text.
    private static func holdsLines(_ path: FilePath) throws(TextRecordError) -> Bool {
        switch CompressedFile.plainName(path).extension?.lowercased() {
        case "jsonl", "json": true
        case "txt": false
        default:
            throw .unsupported(
                path,
                "a text file's name ends in .jsonl, .json (one object a line) or .txt, or, of token ids, in .npy or .safetensors; .gz or .zst may follow"
            )
        }
    }

    // MARK: JSON lines

    private static func objects(in text: ArraySlice<UInt8>, _ path: FilePath, _ format: TextFormat) throws(TextRecordError) -> [TextRecord]
    {
        var records: [TextRecord] = []
        var number = 0
        for line in lines(of: text) {
            number += 1
            if !isBlank(line) { records.append(try record(line, LinePlace(path: path, line: number), format)) }
        }
        return records
    }

    private static func record(_ line: ArraySlice<UInt8>, _ place: LinePlace, _ format: TextFormat) throws(TextRecordError) -> TextRecord {
        let value: JSONValue
        do { value = try JSONValue(parsing: line.span) } catch { throw .notJSON(place, error) }
        guard let object = value.object else { throw .notAnObject(place, found: value.kindName) }

        let record = try content(of: object, place, format)
        guard let spans = object[spansField] else { return record }
        return .part(of: record, tokens: try ranges(spans, place))
    }

    private static let spansField = "token_spans"

    private static func content(of object: JSONObject, _ place: LinePlace, _ format: TextFormat) throws(TextRecordError) -> TextRecord {
        let text = object[format.textField]
        let prompt = object[format.promptField]
        let completion = object[format.completionField]
        switch (text, prompt, completion) {
        case (let text?, nil, _), (let text?, _, nil):
            return .text(try string(text, format.textField, place))
        case (nil, let prompt?, let completion?):
            return .completion(
                prompt: try string(prompt, format.promptField, place, mayBeEmpty: true),
                completion: try string(completion, format.completionField, place))
        case (_?, _?, _?):
            throw .ambiguousFields(place, [format.textField, format.promptField, format.completionField])
        default:
            throw .missingFields(
                place, expected: "\(quoted(format.textField)), or \(quoted(format.promptField)) and \(quoted(format.completionField))",
                found: object.members.map(\.name))
        }
    }

    private static func ranges(_ value: JSONValue, _ place: LinePlace) throws(TextRecordError) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for pair in value.array ?? [] {
            let bounds = (pair.array ?? []).compactMap(\.integer)
            guard bounds.count == 2, pair.array?.count == 2, bounds[0] >= ranges.last?.upperBound ?? 0, bounds[0] < bounds[1] else {
                throw .badSpans(place)
            }
            ranges.append(bounds[0]..<bounds[1])
        }
        guard !ranges.isEmpty else { throw .badSpans(place) }
        return ranges
    }

    private static func string(
        _ value: JSONValue, _ field: String, _ place: LinePlace, mayBeEmpty: Bool = false
    ) throws(TextRecordError) -> String {
        guard let text = value.string else { throw .notAString(place, field: field, found: value.kindName) }
        guard mayBeEmpty || !text.isEmpty else { throw .emptyField(place, field: field) }
        return text
    }

    private static func quoted(_ name: String) -> String { JSONValue.string(name).serialized() }

    // MARK: Plain text

    private static func plain(_ text: ArraySlice<UInt8>, split: TextFormat.Split) -> [TextRecord] {
        let parts: [ArraySlice<UInt8>] =
            switch split {
            case .whole: text.isEmpty ? [] : [text]
            case .lines: lines(of: text).filter { !isBlank($0) }
            case .paragraphs: lines(of: text).split(whereSeparator: isBlank).compactMap(joined(in: text))
            }
        return parts.map { .text(String(decoding: $0, as: UTF8.self)) }
    }

    /// The part of the text from the first of the lines to the last one.
    private static func joined(in text: ArraySlice<UInt8>) -> (ArraySlice<ArraySlice<UInt8>>) -> ArraySlice<UInt8>? {
        { lines in
            guard let first = lines.first, let last = lines.last else { return nil }
            return text[first.startIndex..<last.endIndex]
        }
    }

    // MARK: Lines

    private static let newLine = UInt8(ascii: "\n")

    /// The lines without their ends, blank ones too.
    private static func lines(of text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        text.split(separator: newLine, omittingEmptySubsequences: false).map {
            $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0
        }
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
    }
}
