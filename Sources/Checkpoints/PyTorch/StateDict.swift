internal import Storage
internal import SystemPackage
internal import Tensors

/// The tensors of a pickled state dict by name, in its order.
///
/// 1. They are the values of the outermost dictionary, or else of the one dictionary it holds under a key of `wrappers`.
/// 2. Beside the tensors there may be plain data, which is passed over; beside the wrapped dictionary, anything.
struct StateDict {
    private(set) var tensors: [(name: String, tensor: PickledTensor)] = []
    /// The key that the tensors lie under; nil where they lie at the top.
    let wrapper: String?

    private static let wrappers: Set<String> = ["state_dict", "model", "module"]

    /// - Parameter path: the file's, for errors.
    init(_ pickle: Pickle, of path: FilePath) throws(CheckpointError) {
        guard case .dictionary(let root) = pickle.root else {
            throw .pyTorch(path, kind: "not-a-state-dict", reason: "what it holds is no dictionary of tensors")
        }
        func holdsTensors(_ position: Int) -> Bool {
            pickle.entries(position).contains { if case .tensor = $0.value { true } else { false } }
        }
        var found: [(wrapper: String?, position: Int)] = []
        if holdsTensors(root) {
            found = [(nil, root)]
        } else {
            var seen: Set<String> = []
            for case (.string(let key), .dictionary(let position)) in pickle.entries(root) where Self.wrappers.contains(key) {
                guard seen.insert(key).inserted else {
                    throw .pyTorch(path, kind: "duplicate-name", reason: "its key \(CheckpointError.quoted(key)) occurs twice")
                }
                if holdsTensors(position) { found.append((key, position)) }
            }
        }
        guard let dictionary = found.first else {
            throw .pyTorch(
                path, kind: "no-tensors", reason: "its dictionary holds no tensors, nor does one in it named state_dict, model or module")
        }
        guard found.count == 1 else {
            throw .pyTorch(
                path, kind: "ambiguous-state-dict",
                reason: "holds several dictionaries of tensors: \(found.compactMap(\.wrapper).joined(separator: ", "))")
        }
        wrapper = dictionary.wrapper
        var names: Set<[UInt8]> = []
        var checked: Set<Int> = []
        for (key, value) in pickle.entries(dictionary.position) {
            if case .tensor(let tensor) = value {
                guard case .string(let name) = key else {
                    throw .pyTorch(path, kind: "tensor-name", reason: "a tensor's name in it is no string")
                }
                guard names.insert(Array(name.utf8)).inserted else {
                    throw .tensor(path, name: name, kind: "duplicate-name", reason: "the name occurs twice")
                }
                tensors.append((name, tensor))
            } else if !Self.isPlain(value, in: pickle, &checked) {
                let name = if case .string(let name) = key { CheckpointError.quoted(name) } else { "that has no name" }
                throw .pyTorch(
                    path, kind: "not-plain-data", reason: "its entry \(name) beside the tensors is neither tensor nor plain data")
            }
        }
    }

    /// Whether neither tensors, storages nor functions are in it. `checked` are the containers known to be plain.
    private static func isPlain(_ value: PickleValue, in pickle: Pickle, _ checked: inout Set<Int>) -> Bool {
        var rest = [value]
        while let value = rest.popLast() {
            switch value {
            case .none, .boolean, .integer, .string, .opaque, .global(.dtype): continue
            case .tuple(let position), .list(let position), .dictionary(let position):
                if checked.insert(position).inserted { rest += pickle.containers[position] }
            case .global, .storage, .tensor: return false
            }
        }
        return true
    }
}
