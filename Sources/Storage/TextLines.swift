/// The lines of a file, one after the other: however large it is, a block of it and the line at hand are all that is held.
package struct TextLines: ~Copyable {
    private let file: InputFile
    private let longest: Int
    private var block: [UInt8] = []
    private var position = 0
    /// Where what follows the block begins in the file.
    private var offset = 0
    /// Whether the last line was handed out.
    private var isDone = false
    /// The number of the line that `next` gave last, from 1.
    package private(set) var number = 0

    private static let blockSize = 1 << 20

    /// - Parameter longest: the most bytes that a line may have.
    package init(_ file: InputFile, longest: Int) { (self.file, self.longest) = (file, longest) }

    /// The next line without its LF, also an empty one behind the last LF; nil behind that.
    ///
    /// Throws `tooLarge` for a line beyond the limit, and what reading throws.
    package mutating func next() throws(StorageError) -> [UInt8]? {
        guard !isDone else { return nil }
        number += 1
        var line: [UInt8] = []
        while true {
            let rest = block[position...]
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += block[position..<end]
                position = end + 1
                try checkLength(of: line)
                return line
            }
            line += rest
            try checkLength(of: line)
            let count = min(Self.blockSize, file.size - offset)
            guard count > 0 else {
                isDone = true
                return line
            }
            (block, position) = (try file.bytes(at: offset, count: count), 0)
            offset += count
        }
    }

    private func checkLength(of line: [UInt8]) throws(StorageError) {
        guard line.count <= longest else { throw .tooLarge(file.path, limit: longest) }
    }
}
