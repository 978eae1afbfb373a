internal import CPCRE2
internal import Synchronization

/// A regular expression, or a string to search for, matched on UTF-8 by PCRE2.
///
/// The only file that imports CPCRE2. The expressions of tokenizers are written for Oniguruma; `OnigurumaExpression`
/// writes them anew for PCRE2, and refuses what would not match alike.
// @unchecked: PCRE2 never writes to a compiled expression or to a match context once they are made, and the only
// references to them are held here; what a match writes to is taken out of `spare` for as long as the call lasts.
@safe final class RegularExpression: @unchecked Sendable {
    private let code: OpaquePointer
    private let limits: OpaquePointer
    /// What a match writes to, as an address, left here by the last one that was done with it; 0 where it is in use.
    private let spare = Atomic<UInt>(0)
    private let file: String
    private let item: String

    /// An expression in Oniguruma's syntax. Throws `unsupportedExpression` or `malformedExpression`.
    convenience init(oniguruma source: String, file: String, item: String) throws(TokenizerError) {
        let expression: OnigurumaExpression
        do { expression = try OnigurumaExpression(source) } catch {
            switch error {
            case .unsupported(let construct): throw .unsupportedExpression(file: file, item: item, construct: construct)
            case .malformed(let reason): throw .malformedExpression(file: file, item: item, reason: reason)
            }
        }
        try self.init(expression.pcre, options: PCRE2_MULTILINE, file: file, item: item)
    }

    /// An expression that matches one string.
    convenience init(literal: String, file: String, item: String) throws(TokenizerError) {
        try self.init(literal, options: PCRE2_LITERAL, file: file, item: item)
    }

    /// An expression made of the classes of `ScalarClass`, in PCRE2's own syntax.
    convenience init(classes pattern: String, file: String, item: String) throws(TokenizerError) {
        try self.init(pattern, options: 0, file: file, item: item)
    }

    private init(_ pattern: String, options: UInt32, file: String, item: String) throws(TokenizerError) {
        guard let compilation = unsafe pcre2_compile_context_create_8(nil),
            let limits = unsafe pcre2_match_context_create_8(nil)
        else {
            throw .malformedExpression(file: file, item: item, reason: Self.message(PCRE2_ERROR_NOMEMORY))
        }
        defer { unsafe pcre2_compile_context_free_8(compilation) }
        unsafe pcre2_set_newline_8(compilation, UInt32(PCRE2_NEWLINE_LF))
        var status: Int32 = 0
        var offset = 0
        let utf8 = Array(pattern.utf8)
        let compiled = unsafe utf8.withUnsafeBufferPointer { bytes in
            // An empty array may have no address; PCRE2 wants one.
            unsafe pcre2_compile_8(
                bytes.baseAddress ?? UnsafePointer(bitPattern: 1), bytes.count, PCRE2_UTF | options, &status, &offset, compilation)
        }
        guard let compiled = unsafe compiled else {
            unsafe pcre2_match_context_free_8(limits)
            if status == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH {
                throw .unsupportedExpression(file: file, item: item, construct: "a look-behind of varying length")
            }
            throw .malformedExpression(file: file, item: item, reason: Self.message(status))
        }
        // Where PCRE2 was built without its compiler, matching is slower and means the same.
        unsafe pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE)
        unsafe (self.code, self.limits) = (compiled, limits)
        (self.file, self.item) = (file, item)
    }

    deinit {
        unsafe pcre2_match_data_free_8(OpaquePointer(bitPattern: spare.load(ordering: .acquiring)))
        unsafe pcre2_match_context_free_8(limits)
        unsafe pcre2_code_free_8(code)
    }

    /// Calls `body` with the matches from left to right. None overlap, and no empty one follows directly on another match.
    ///
    /// - Parameter text: valid UTF-8.
    /// Throws `matchFailed` where the expression takes more steps or memory than PCRE2 allows, and what `body` throws.
    func forEachMatch(
        in text: Span<UInt8>, _ body: (Range<Int>) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        let left = spare.exchange(0, ordering: .acquiringAndReleasing)
        guard let match = unsafe OpaquePointer(bitPattern: left) ?? pcre2_match_data_create_8(1, nil) else {
            throw .matchFailed(file: file, item: item, reason: Self.message(PCRE2_ERROR_NOMEMORY))
        }
        defer {
            let other = spare.exchange(UInt(bitPattern: match), ordering: .acquiringAndReleasing)
            unsafe pcre2_match_data_free_8(OpaquePointer(bitPattern: other))
        }
        try unsafe text.withUnsafeBufferPointer { (bytes) throws(TokenizerError) in
            guard let start = bytes.baseAddress else { return }
            let bounds = unsafe pcre2_get_ovector_pointer_8(match)!
            var position = 0
            var previousEnd = -1
            while position <= bytes.count {
                var status = unsafe pcre2_match_8(code, start, bytes.count, position, PCRE2_NO_UTF_CHECK, match, limits)
                if status == PCRE2_ERROR_JIT_STACKLIMIT {
                    status = unsafe pcre2_match_8(
                        code, start, bytes.count, position, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, limits)
                }
                if status == PCRE2_ERROR_NOMATCH { return }
                guard status >= 0 else { throw .matchFailed(file: file, item: item, reason: Self.message(status)) }
                let range = unsafe Int(bounds[0])..<Int(bounds[1])
                if range.isEmpty, range.lowerBound == previousEnd {
                    position += 1
                    while position < bytes.count, unsafe bytes[position] & 0xC0 == 0x80 { position += 1 }
                } else {
                    try body(range)
                    position = range.upperBound
                    previousEnd = range.upperBound
                }
            }
        }
    }

    /// Calls `body` with the matches and with what lies between them, so that the ranges cover the text from left to right.
    func forEachPiece(
        in text: Span<UInt8>, _ body: (_ range: Range<Int>, _ isMatch: Bool) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        var end = 0
        try forEachMatch(in: text) { (range) throws(TokenizerError) in
            if end < range.lowerBound { try body(end..<range.lowerBound, false) }
            try body(range, true)
            end = range.upperBound
        }
        if end < text.count { try body(end..<text.count, false) }
    }

    /// The text with `content` in place of each match. Throws `matchFailed` or `textTooLong`.
    func replacing(in text: [UInt8], by content: [UInt8], _ limit: TextLimit) throws(TokenizerError) -> [UInt8] {
        var replaced: [UInt8] = []
        replaced.reserveCapacity(text.count)
        try forEachPiece(in: text.span) { (range, isMatch) throws(TokenizerError) in
            if isMatch { replaced += content } else { replaced += text[range] }
            try limit.check(replaced)
        }
        return replaced
    }

    private static func message(_ status: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        _ = unsafe text.withUnsafeMutableBufferPointer { unsafe pcre2_get_error_message_8(status, $0.baseAddress, $0.count) }
        return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
}
