/// The first step of Unicode's Normalization Forms KC and KD: characters that are others in another guise become those.
enum CompatibilityMapping {
    static func mapped(_ text: [UInt8]) -> [UInt8] {
        // The lead byte 0xC2 begins U+0080.
        guard text.contains(where: { $0 >= 0xC2 }) else { return text }
        let span = text.span
        var mapped: [UInt8] = []
        mapped.reserveCapacity(text.count)
        var position = 0
        while position < span.count {
            let scalar = span.scalar(at: position)
            position += span.scalarLength(at: position)
            if !scalar.isASCII, scalar.isInUnicode9, let targets = table[scalar.value] {
                for target in targets { mapped.append(target) }
            } else {
                mapped.append(scalar)
            }
        }
        return mapped
    }

    private static let table: [UInt32: [Unicode.Scalar]] = {
        var table: [UInt32: [Unicode.Scalar]] = [:]
        for entry in CompatibilityTable.entries.split(separator: " ") {
            let parts = entry.split(separator: ":")
            let points = parts[0].split(separator: "-").compactMap { UInt32($0, radix: 16) }
            let targets = parts[1].split(separator: ",").compactMap { UInt32($0, radix: 16) }
            for point in points[0]...points[points.count - 1] {
                table[point] = targets.enumerated().compactMap { Unicode.Scalar($1 + ($0 == 0 ? point - points[0] : 0)) }
            }
        }
        return table
    }()
}
