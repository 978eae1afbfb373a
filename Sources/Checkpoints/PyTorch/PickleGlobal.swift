internal import Tensors

/// The only functions and types that a pickle may name. None is ever called: the reader knows what each would make.
enum PickleGlobal {
    case orderedDict
    /// `_rebuild_tensor_v2`: a tensor on a storage that has a type.
    case rebuildTensor
    /// `_rebuild_tensor_v3`: a tensor with its own type on a storage of bytes.
    case rebuildTypedTensor
    case rebuildParameter
    case size
    case device
    case dtype(DType)
    /// A class of storages; nil for bytes without a type.
    case storage(DType?)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDict
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTypedTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "Size"): self = .size
        case ("torch", "device"): self = .device
        case ("torch.storage", "UntypedStorage"): self = .storage(nil)
        case ("torch", let name):
            if let dtype = Self.storages[name] {
                self = .storage(dtype)
            } else if let dtype = Self.dtypes[name] {
                self = .dtype(dtype)
            } else {
                return nil
            }
        default: return nil
        }
    }

    /// What an error calls it.
    var name: String {
        switch self {
        case .orderedDict: "OrderedDict"
        case .rebuildTensor: "_rebuild_tensor_v2"
        case .rebuildTypedTensor: "_rebuild_tensor_v3"
        case .rebuildParameter: "_rebuild_parameter"
        case .size: "torch.Size"
        case .device: "torch.device"
        case .dtype: "a type of numbers"
        case .storage: "a class of storages"
        }
    }

    private static let storages: [String: DType] = [
        "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16, "DoubleStorage": .f64, "LongStorage": .i64, "IntStorage": .i32,
        "ShortStorage": .i16, "CharStorage": .i8, "ByteStorage": .u8, "BoolStorage": .bool, "ComplexFloatStorage": .c64,
    ]

    private static let dtypes: [String: DType] = [
        "float32": .f32, "float16": .f16, "bfloat16": .bf16, "float64": .f64, "int64": .i64, "int32": .i32, "int16": .i16, "int8": .i8,
        "uint64": .u64, "uint32": .u32, "uint16": .u16, "uint8": .u8, "bool": .bool, "complex64": .c64, "float8_e4m3fn": .f8e4m3,
        "float8_e5m2": .f8e5m2, "float8_e4m3fnuz": .f8e4m3fnuz, "float8_e5m2fnuz": .f8e5m2fnuz, "float8_e8m0fnu": .f8e8m0,
    ]
}
