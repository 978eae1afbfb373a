package import Storage
internal import SystemPackage
internal import Tensors

/// The tensors of a PyTorch checkpoint (`torch.save` of a state dict, PyTorch 1.6 and later), where they lie in the file.
/// Its pickle is read as data; nothing in it is executed.
package struct PyTorchFile: Sendable {
    /// In the order of the state dict. Tied tensors have the same bytes.
    package let tensors: [StoredTensor]
    /// The key of the dictionary that holds the tensors, where they are not at the top: "state_dict", "model" or "module".
    package let wrapper: String?

    private static let largestRank = 64

    /// Reads and checks the archive, its pickle and every tensor's place. Throws `CheckpointError.pyTorch`, `.tensor` or `.storage`.
    package init(_ file: InputFile) throws(CheckpointError) {
        if let objection = try Self.objection(toStartOf: file) { throw objection }
        let records = try PyTorchRecords(file)
        let stateDict = try StateDict(PickleReader.read(records.pickle(), of: file.path), of: file.path)
        var storages: [[UInt8]: PickledStorage] = [:]
        var tensors: [StoredTensor] = []
        for (name, tensor) in stateDict.tensors {
            let known = storages.updateValue(tensor.storage, forKey: Array(tensor.storage.key.utf8))
            guard known == nil || known == tensor.storage else {
                throw .tensor(
                    file.path, name: name, kind: "storage-mismatch", reason: "an earlier tensor gives its storage another type or size")
            }
            tensors.append(try Self.place(tensor, name, records, file))
        }
        self.tensors = tensors
        wrapper = stateDict.wrapper
    }

    /// What a file is that its first bytes show to be something else.
    private static func objection(toStartOf file: InputFile) throws(CheckpointError) -> CheckpointError? {
        let start: [UInt8]
        do { start = try file.bytes(count: min(file.size, 512)) } catch { throw .storage(error) }
        func refusal(_ kind: String, _ reason: String) -> CheckpointError { .pyTorch(file.path, kind: kind, reason: reason) }
        if start.starts(with: "version ".utf8) {
            return refusal("lfs-pointer", "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
        }
        let isPickle = start.count > 2 && start[0] == PickleOpcode.protocolVersion.rawValue && 2...5 ~= start[1]
        let magicNumber: [UInt8] = [PickleOpcode.long.rawValue, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        let isTar = start.count >= 262 && start[257..<262].elementsEqual("ustar".utf8)
        if isTar || isPickle && start.dropFirst(2).starts(with: magicNumber) {
            return refusal(
                "legacy-pytorch",
                "this is a legacy PyTorch file, from before 1.6; load it with torch.load(…, weights_only=True) and torch.save it again")
        }
        return isPickle ? refusal("plain-pickle", "this is a plain pickle, not a PyTorch checkpoint") : nil
    }

    /// The tensor's place in the file, once it is contiguous and within its storage, and that is the record it claims to be.
    private static func place(_ tensor: PickledTensor, _ name: String, _ records: PyTorchRecords, _ file: InputFile) throws(CheckpointError)
        -> StoredTensor
    {
        func fail(_ kind: String, _ reason: String) -> CheckpointError { .tensor(file.path, name: name, kind: kind, reason: reason) }
        guard tensor.shape.count <= largestRank else { throw fail("rank", "it has \(tensor.shape.count) dimensions") }
        guard tensor.offset >= 0, tensor.shape.allSatisfy({ $0 >= 0 }) else {
            throw fail("not-a-natural", "its storage offset or a dimension is negative")
        }
        guard let record = records["data/" + tensor.storage.key] else {
            throw fail("missing-record", "its storage \(CheckpointError.quoted("data/" + tensor.storage.key)) is not in the archive")
        }
        guard record.isStored else { throw fail("compressed-record", "its storage is compressed; PyTorch stores it as it is") }
        let width = tensor.dtype.bitWidth / 8
        let (storageSize, storageOverflow) = tensor.storage.elementCount.multipliedReportingOverflow(
            by: (tensor.storage.dtype?.bitWidth ?? 8) / 8)
        guard !storageOverflow, storageSize == record.size else {
            throw fail(
                "size-mismatch", "its storage should have \(tensor.storage.elementCount) elements, but the record has \(record.size) bytes")
        }
        guard let byteCount = product(tensor.shape, by: width) else { throw fail("size-overflow", "its shape is larger than any file") }
        guard isContiguous(tensor) else {
            throw fail(
                "strided-tensor",
                "its elements do not lie in row-major order (shape \(tensor.shape), strides \(tensor.stride)); save it after .contiguous()")
        }
        let (start, startOverflow) = tensor.offset.multipliedReportingOverflow(by: width)
        guard !startOverflow, start <= record.size, byteCount <= record.size - start else {
            throw fail("outside-storage", "it reaches beyond its storage of \(record.size) bytes")
        }
        return StoredTensor(
            name: name, dtype: tensor.dtype, shape: tensor.shape, offset: record.dataOffset + start, byteCount: byteCount)
    }

    /// The bytes of `shape`; nil where the dimensions that are not 0 multiply to more than an `Int`.
    private static func product(_ shape: [Int], by width: Int) -> Int? {
        var product = width
        for dimension in shape where dimension > 0 {
            let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            product = next
        }
        return shape.contains(0) ? 0 : product
    }

    /// Whether it is row-major; where a dimension is 0, or 1, strides say nothing.
    private static func isContiguous(_ tensor: PickledTensor) -> Bool {
        guard tensor.stride.count == tensor.shape.count else { return false }
        guard !tensor.shape.contains(0) else { return true }
        var expected = 1
        for (dimension, stride) in zip(tensor.shape, tensor.stride).reversed() where dimension != 1 {
            guard stride == expected else { return false }
            expected *= dimension
        }
        return true
    }
}
