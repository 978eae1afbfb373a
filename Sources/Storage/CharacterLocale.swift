internal import Glibc

/// A locale of UTF-8 for the thread, until its end: libarchive takes and hands out names in the thread's locale, and a process begins in one
/// that has ASCII only.
@safe struct CharacterLocale {
    private let locale: locale_t?
    private let previous: locale_t?

    init() {
        unsafe locale = unsafe newlocale(1 << LC_CTYPE, "C.UTF-8", nil)
        unsafe previous = unsafe uselocale(locale)
    }

    func end() {
        _ = unsafe uselocale(previous)
        if let locale = unsafe locale { unsafe freelocale(locale) }
    }
}
