internal import Glibc
internal import SystemPackage

/// A part of a file as the kernel holds it in memory, to be read in its place, without a copy, for as long as this lives.
///
/// All of it is brought into memory at once, so what cannot be read is found out then. Should another process cut the file short after
/// that, reading what is gone raises SIGBUS: the command line ends with its message and exit code for a failed read.
///
/// A copy takes as long as adding up what is in it, so this is for work that does no more than that. The pages count as the process's
/// memory: take a mebibyte or so at a time.
@safe package struct FilePages: ~Copyable {
    private let start: UnsafeMutableRawPointer
    private let mapped: Int
    private let range: Range<Int>

    /// Nil where it cannot be had this way: `InputFile.read` then reads it or tells why it cannot.
    package init?(_ file: InputFile, _ part: Range<Int>) {
        guard !part.isEmpty, part.lowerBound >= 0, part.upperBound <= file.size else { return nil }
        let position = file.start + part.lowerBound
        let skipped = position % Int(getpagesize())
        let length = skipped + part.count
        guard let start = unsafe mmap(nil, length, PROT_READ, MAP_SHARED, file.open.descriptor.rawValue, position - skipped),
            unsafe start != MAP_FAILED
        else { return nil }
        guard unsafe madvise(start, length, MADV_POPULATE_READ) == 0 else {
            unsafe munmap(start, length)
            return nil
        }
        unsafe self.start = unsafe start
        mapped = length
        range = skipped..<length
    }

    deinit { unsafe munmap(start, mapped) }

    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span<UInt8>(_unsafeStart: (start + range.lowerBound).assumingMemoryBound(to: UInt8.self), count: range.count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
