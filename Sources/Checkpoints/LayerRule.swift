internal import Storage

/// Which layers of a decoder have a trait: those that a list in config.json says, else those of a rule.
struct LayerRule {
    private let reader: ConfigurationReader
    private let rule: JSONValue

    init(_ rule: JSONValue, _ reader: ConfigurationReader) {
        self.rule = rule
        self.reader = reader
    }

    /// One answer for each layer.
    func layers(_ count: Int) throws(CheckpointError) -> [Bool] {
        let excepted = try exceptions()
        return try ruled(count).enumerated().map { $0.element && !excepted.contains($0.offset) }
    }

    private func ruled(_ count: Int) throws(CheckpointError) -> [Bool] {
        if let key = rule["list"]?.string, let list = reader.document.value(at: key), !list.isNull {
            return try listed(list, key, count)
        }
        let key = rule["number"]?.string ?? "number"
        switch rule["rule"]?.string {
        case "from":
            let first = try number(key)
            return (0..<count).map { $0 >= first }
        case "all_but_every":
            let period = try number(key)
            return (0..<count).map { period == 0 || ($0 + 1) % period != 0 }
        case "every":
            let period = try number(key)
            return (0..<count).map { period > 0 && ($0 + 1) % period == 0 }
        case "even_before":
            let end = try number(key)
            return (0..<count).map { $0.isMultiple(of: 2) && $0 < end }
        case "none": return [Bool](repeating: false, count: count)
        default: return [Bool](repeating: true, count: count)
        }
    }

    private func number(_ key: String) throws(CheckpointError) -> Int {
        guard let value = reader.document.value(at: key) ?? rule["default"], let number = value.integer, number >= 0 else {
            throw .configuration(reader.path, key: key, reason: "is not a whole number")
        }
        return number
    }

    /// Numbers of layers that a list in config.json takes out.
    private func exceptions() throws(CheckpointError) -> Set<Int> {
        guard let key = rule["except"]?.string, let list = reader.document.value(at: key), !list.isNull else { return [] }
        let numbers = list.array?.map(\.integer) ?? [nil]
        guard !numbers.contains(nil) else { throw .configuration(reader.path, key: key, reason: "is not a list of layers' numbers") }
        return Set(numbers.compactMap { $0 })
    }

    /// A list of one value a layer, or of runs [[values], times].
    private func listed(_ list: JSONValue, _ key: String, _ count: Int) throws(CheckpointError) -> [Bool] {
        let known = rule["values"]?.array ?? []
        let wanted = rule["value"] ?? true
        var values: [JSONValue] = []
        for item in list.array ?? [] {
            guard let run = item.array else {
                values.append(item)
                continue
            }
            guard run.count == 2, let part = run[0].array, let times = run[1].integer, times >= 0, times <= count, part.count <= count
            else {
                throw .configuration(reader.path, key: key, reason: "has a run that is not [[values], times]")
            }
            // No further than the layers go, whatever a run claims.
            for _ in 0..<times where values.count < count { values += part }
        }
        if let odd = values.first(where: { value in !known.contains { $0.isEqual(to: value) } }) {
            throw reader.unsupported(key, odd, known)
        }
        guard values.count >= count else {
            throw .configuration(reader.path, key: key, reason: "has \(values.count) entries for \(count) layers")
        }
        return values[..<count].map { $0.isEqual(to: wanted) }
    }
}
