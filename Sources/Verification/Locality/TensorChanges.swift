package import Checkpoints
internal import Storage
internal import Tensors

/// Which tensors of a checkpoint an edit changed, told from every tensor's bytes, and whether it said so.
package struct TensorChanges: Sendable {
    package private(set) var identical = 0
    package private(set) var changed: [String] = []
    package private(set) var added: [String] = []
    package private(set) var removed: [String] = []
    /// Those that were changed, added or removed without being declared; nil where nothing was declared.
    package private(set) var undeclared: [String]?

    /// - Parameter declared: the names of the tensors that may differ; nil where it was not said.
    package init(_ base: Checkpoint, _ edited: Checkpoint, declared: [String]?) throws {
        for tensor in base.tensors {
            guard let other = edited.tensor(named: tensor.name) else {
                removed.append(tensor.name)
                continue
            }
            let isSame =
                try tensor.description == other.description
                && base.stored(tensor.name).sha256() == edited.stored(tensor.name).sha256()
            if isSame { identical += 1 } else { changed.append(tensor.name) }
        }
        added = edited.tensors.map(\.name).filter { base.tensor(named: $0) == nil }
        guard let declared else { return }
        let allowed = Set(declared.map { Array($0.utf8) })
        undeclared = (changed + added + removed).filter { !allowed.contains(Array($0.utf8)) }
    }

    var json: JSONValue {
        func list(_ names: [String]) -> JSONValue { .array(names.map(JSONValue.string)) }
        return .members([
            "identical": .integer(identical), "changed": .integer(changed.count), "added": .integer(added.count),
            "removed": .integer(removed.count), "undeclared": undeclared.map { .integer($0.count) } ?? .null,
            "changed_tensors": list(changed), "undeclared_tensors": undeclared.map(list) ?? .null,
        ])
    }
}
