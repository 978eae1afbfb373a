internal import Tensors

/// What unpickling would call, and what it is known to make; nothing is called.
extension PickleStack {
    /// The storage that a persistent id describes: ("storage", its class, the record's name, a device, the number of elements).
    func storage(_ id: PickleValue) throws(PickleError) -> PickledStorage {
        guard let fields = elements(id), fields.count == 5, case .string("storage") = fields[0],
            case .global(.storage(let dtype)) = fields[1], case .string(let key) = fields[2], case .string = fields[3],
            case .integer(let elementCount) = fields[4], elementCount >= 0
        else { throw PickleError("forbidden-call", "has a persistent id that describes no storage") }
        return PickledStorage(key: key, dtype: dtype, elementCount: elementCount)
    }

    /// What `function` would return.
    mutating func result(of function: PickleValue, arguments: PickleValue) throws(PickleError) -> PickleValue {
        guard case .global(let global) = function, let arguments = elements(arguments) else {
            throw PickleError("forbidden-call", "calls something that is no function")
        }
        switch global {
        case .orderedDict:
            if arguments.isEmpty { return .dictionary(container()) }
        case .size:
            if arguments.count == 1, try integers(arguments[0]) != nil { return arguments[0] }
        case .device:
            if 1...2 ~= arguments.count { return .opaque }
        case .rebuildParameter:
            if arguments.count == 3, case .tensor = arguments[0], case .boolean = arguments[1], isEmpty(arguments[2]) {
                return arguments[0]
            }
        case .rebuildTensor:
            if 6...7 ~= arguments.count, case .storage(let storage) = arguments[0], let dtype = storage.dtype {
                return try tensor(on: storage, dtype, arguments, metadata: arguments.dropFirst(6))
            }
        case .rebuildTypedTensor:
            if 7...8 ~= arguments.count, case .storage(let storage) = arguments[0], storage.dtype == nil,
                case .global(.dtype(let dtype)) = arguments[6]
            {
                return try tensor(on: storage, dtype, arguments, metadata: arguments.dropFirst(7))
            }
        case .dtype, .storage: break
        }
        throw PickleError("forbidden-call", "calls \(global.name) with arguments that no state dict has")
    }

    /// Takes the state of the OrderedDict below it: the `_metadata` of a module's state dict, which is not needed.
    mutating func dropState() throws(PickleError) {
        let state = try pop(1)[0]
        guard case .dictionary = try top(), case .dictionary(let position) = state, containers[position].count == 2,
            case .string("_metadata") = containers[position][0]
        else { throw PickleError("forbidden-state", "sets the state of an object, other than a state dict's _metadata") }
    }

    /// - Parameters:
    ///   - arguments: storage, offset, size, stride, whether it requires gradients, hooks.
    ///   - metadata: what would change the meaning of its values, such as conjugation.
    private mutating func tensor(
        on storage: PickledStorage, _ dtype: DType, _ arguments: [PickleValue], metadata: ArraySlice<PickleValue>
    ) throws(PickleError) -> PickleValue {
        guard case .integer(let offset) = arguments[1], let shape = try integers(arguments[2]), let stride = try integers(arguments[3]),
            case .boolean = arguments[4], isEmpty(arguments[5]), metadata.allSatisfy(isEmpty)
        else { throw PickleError("forbidden-call", "rebuilds a tensor from arguments that no state dict has, or with hooks or metadata") }
        return .tensor(PickledTensor(storage: storage, dtype: dtype, offset: offset, shape: shape, stride: stride))
    }

    private func elements(_ value: PickleValue) -> [PickleValue]? {
        if case .tuple(let position) = value { containers[position] } else { nil }
    }

    /// A tuple of integers. They count as made: one long tuple could be asked for very often.
    private mutating func integers(_ value: PickleValue) throws(PickleError) -> [Int]? {
        guard let elements = elements(value) else { return nil }
        try count(elements.count)
        let integers = elements.compactMap { if case .integer(let integer) = $0 { integer } else { nil } }
        return integers.count == elements.count ? integers : nil
    }

    /// Whether it is None or an empty dictionary.
    private func isEmpty(_ value: PickleValue) -> Bool {
        switch value {
        case .none: true
        case .dictionary(let position): containers[position].isEmpty
        default: false
        }
    }
}
