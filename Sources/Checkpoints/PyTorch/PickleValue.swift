internal import Tensors

/// What a state dict's pickle can hold. All of it is inert: nothing was called to make it.
enum PickleValue {
    case none
    case boolean(Bool)
    case integer(Int)
    case string(String)
    /// Plain data that says nothing about a tensor: a fraction, an integer of more than 64 bits, bytes, a device.
    case opaque
    /// The position in `Pickle.containers` of its elements; containers may hold themselves.
    case tuple(Int)
    case list(Int)
    /// As a list in which keys and values alternate.
    case dictionary(Int)
    case global(PickleGlobal)
    indirect case storage(PickledStorage)
    indirect case tensor(PickledTensor)
}

/// A value with the containers it is made of. They lie side by side, so that no depth of nesting costs a call's depth.
struct Pickle {
    let root: PickleValue
    let containers: [[PickleValue]]

    /// The entries of the dictionary at a position.
    func entries(_ position: Int) -> [(key: PickleValue, value: PickleValue)] {
        let elements = containers[position]
        return stride(from: 0, to: elements.count, by: 2).map { (elements[$0], elements[$0 + 1]) }
    }
}

/// What a pickle says of a storage, the record with the bytes of one or more tensors.
struct PickledStorage: Equatable {
    /// The record's name below `data/`.
    let key: String
    /// nil where it is a run of bytes, typed by the tensors on it.
    let dtype: DType?
    let elementCount: Int
}

/// What a pickle says of a tensor; nothing of it is checked against the records.
struct PickledTensor {
    let storage: PickledStorage
    let dtype: DType
    /// Of its first element in the storage, in elements.
    let offset: Int
    let shape: [Int]
    /// From one index to the next in each dimension, in elements.
    let stride: [Int]
}
