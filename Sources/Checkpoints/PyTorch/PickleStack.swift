/// What is wrong with a pickle; the reader adds the file and the place.
struct PickleError: Error {
    let kind: String
    /// To follow "its pickle".
    let reason: String

    init(_ kind: String, _ reason: String) { (self.kind, self.reason) = (kind, reason) }

    static func syntax(_ reason: String) -> PickleError { PickleError("pickle-syntax", reason) }
}

/// The memory of a machine that reads a pickle: its stack, with marks, its memo, and the containers made so far.
struct PickleStack {
    private var values: [PickleValue] = []
    /// The stack's heights at the marks.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private(set) var containers: [[PickleValue]] = []
    private var madeCount = 0

    /// Values that may be made, marks, memorised values and dimensions included: a state dict takes some 40 a tensor.
    private static let mostValues = 1 << 22

    /// The one value that is left; nil where there is none or more.
    var only: PickleValue? { values.count == 1 && marks.isEmpty ? values[0] : nil }

    /// Counts values as made. Throws where there are too many.
    mutating func count(_ made: Int) throws(PickleError) {
        madeCount += made
        guard madeCount <= Self.mostValues else { throw PickleError("pickle-too-large", "makes more than \(Self.mostValues) values") }
    }

    mutating func push(_ value: PickleValue) throws(PickleError) {
        try count(1)
        values.append(value)
    }

    mutating func pushMark() throws(PickleError) {
        try count(1)
        marks.append(values.count)
    }

    mutating func pop(_ count: Int) throws(PickleError) -> [PickleValue] {
        guard values.count - count >= marks.last ?? 0 else { throw .syntax("takes a value from an empty stack") }
        defer { values.removeLast(count) }
        return Array(values.suffix(count))
    }

    mutating func popToMark() throws(PickleError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw .syntax("has no mark where it needs one") }
        defer { values.removeSubrange(mark...) }
        return Array(values[mark...])
    }

    /// The value on top, which stays.
    func top() throws(PickleError) -> PickleValue {
        guard let value = values.last, values.count > marks.last ?? 0 else { throw .syntax("takes a value from an empty stack") }
        return value
    }

    /// - Parameter index: nil for the next one.
    mutating func memorise(at index: Int?) throws(PickleError) {
        try count(1)
        memo[index ?? memo.count] = try top()
    }

    mutating func recall(_ index: Int) throws(PickleError) {
        guard let value = memo[index] else { throw .syntax("recalls what it never memorised") }
        try push(value)
    }

    /// Makes a container; the result is its position.
    mutating func container(_ elements: [PickleValue] = []) -> Int {
        containers.append(elements)
        return containers.count - 1
    }

    mutating func extendList(by elements: [PickleValue]) throws(PickleError) {
        guard case .list(let position) = try top() else { throw .syntax("appends to something that is no list") }
        containers[position] += elements
    }

    /// - Parameter entries: keys and values in turn.
    mutating func extendDictionary(by entries: [PickleValue]) throws(PickleError) {
        guard case .dictionary(let position) = try top(), entries.count % 2 == 0 else {
            throw .syntax("sets items of something that is no dictionary")
        }
        containers[position] += entries
    }
}
