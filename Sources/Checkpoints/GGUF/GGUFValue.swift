/// A value of a GGUF file's metadata. Integers of every width are `integer`, both float types `number`; arrays of plain
/// values are kept compactly, arrays of arrays as `arrays`.
package enum GGUFValue: Sendable, Equatable {
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case string(String)
    case integers([Int])
    case numbers([Double])
    case booleans([Bool])
    case strings([String])
    case arrays([GGUFValue])

    /// How the file names the types.
    enum Kind: UInt32 {
        case u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64

        /// The fewest bytes such a value takes: a string has its length, an array its type and length.
        var leastByteCount: Int {
            switch self {
            case .u8, .i8, .boolean: 1
            case .u16, .i16: 2
            case .u32, .i32, .f32: 4
            case .u64, .i64, .f64, .string: 8
            case .array: 12
            }
        }
    }
}
