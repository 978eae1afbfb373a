internal import Storage

/// A place in a tokenizer.json: its value, and its name for the errors.
struct TokenizerDefinition {
    /// Kept as steps, for a name is needed only where something is wrong.
    private indirect enum Place {
        case top
        case member(Place, String)
        case entry(Place, String)
        case element(Place, Int)

        var name: String {
            switch self {
            case .top: ""
            case .member(.top, let name): name
            case .member(let place, let name): place.name + "." + name
            case .entry(let place, let name): place.name + "[" + name.debugDescription + "]"
            case .element(let place, let index): place.name + "[\(index)]"
            }
        }
    }

    let file: String
    let value: JSONValue
    private let place: Place

    private init(file: String, value: JSONValue, place: Place) { (self.file, self.value, self.place) = (file, value, place) }

    /// The whole document. Throws `wrongType` where it is no object.
    init(file: String, document: JSONValue) throws(TokenizerError) {
        self.init(file: file, value: document, place: .top)
        guard document.object != nil else { throw .wrongType(file: file, item: "the document", expected: "an object") }
    }

    /// Where in the file this is, as in `pre_tokenizer.pretokenizers[1]`.
    var item: String { place.name }

    /// The member of that name; nil where it is missing or null.
    func optional(_ name: String) -> TokenizerDefinition? {
        guard let member = value[name], !member.isNull else { return nil }
        return TokenizerDefinition(file: file, value: member, place: .member(place, name))
    }

    /// The member of that name. Throws `missing`.
    func member(_ name: String) throws(TokenizerError) -> TokenizerDefinition {
        guard let member = optional(name) else { throw .missing(file: file, item: Place.member(place, name).name) }
        return member
    }

    /// What a `type` member says this is. Throws `missing` or `wrongType`.
    func type() throws(TokenizerError) -> String { try member("type").string() }

    func string() throws(TokenizerError) -> String { try expected(value.string, "a string") }
    func integer() throws(TokenizerError) -> Int { try expected(value.integer, "an integer") }
    func boolean() throws(TokenizerError) -> Bool { try expected(value.boolean, "true or false") }

    /// A flag that may be left out.
    func boolean(_ name: String, default fallback: Bool) throws(TokenizerError) -> Bool {
        try optional(name)?.boolean() ?? fallback
    }

    /// A string of exactly one Unicode scalar.
    func scalar() throws(TokenizerError) -> Unicode.Scalar {
        let scalars = try string().unicodeScalars
        return try expected(scalars.count == 1 ? scalars.first : nil, "a single character")
    }

    func elements() throws(TokenizerError) -> [TokenizerDefinition] {
        try expected(value.array, "an array").enumerated().map {
            TokenizerDefinition(file: file, value: $1, place: .element(place, $0))
        }
    }

    /// The steps of a `Sequence`, which are the elements of its member of that name; for a sequence among them, its own steps.
    /// Throws `unsupported` where there are more than 64: no tokenizer needs as many, and each costs a call within a call.
    func steps(_ name: String) throws(TokenizerError) -> [TokenizerDefinition] {
        var steps: [TokenizerDefinition] = []
        for element in try member(name).elements() {
            steps += try element.type() == "Sequence" ? element.steps(name) : [element]
            guard steps.count <= 64 else { throw unsupported("a sequence of more than 64 steps") }
        }
        return steps
    }

    /// The members of an object that is used as a table.
    func entries() throws(TokenizerError) -> [(key: String, TokenizerDefinition)] {
        try expected(value.object, "an object").members.map {
            ($0.name, TokenizerDefinition(file: file, value: $0.value, place: .entry(place, $0.name)))
        }
    }

    /// The error for a kind that is not known here.
    func unsupported(_ found: String) -> TokenizerError { .unsupported(file: file, item: item, found: found) }

    private func expected<Value>(_ value: Value?, _ description: String) throws(TokenizerError) -> Value {
        guard let value else { throw .wrongType(file: file, item: item, expected: description) }
        return value
    }

    /// The expression that a `pattern` member holds: `{"String": …}` or `{"Regex": …}`.
    func pattern() throws(TokenizerError) -> RegularExpression {
        let pattern = try member("pattern")
        if let literal = pattern.optional("String") {
            return try RegularExpression(literal: literal.string(), file: file, item: item)
        }
        if let expression = pattern.optional("Regex") {
            return try RegularExpression(oniguruma: expression.string(), file: file, item: item)
        }
        throw .wrongType(file: file, item: pattern.item, expected: "a String or a Regex")
    }
}
