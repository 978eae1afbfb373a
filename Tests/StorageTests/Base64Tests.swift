import Storage
import Testing

struct Base64Tests {
    /// RFC 4648, section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func knownAnswers(_ bytes: String, _ text: String) {
        #expect(Base64.encoded(Array(bytes.utf8)) == text)
        #expect(Base64.decoded(text) == Array(bytes.utf8))
    }

    @Test func everyByteComesBack() {
        let bytes = (0..<1024).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 >> 8) }
        for count in 1020...1024 { #expect(Base64.decoded(Base64.encoded(Array(bytes.prefix(count)))) == Array(bytes.prefix(count))) }
    }

    /// Another alphabet, white space, padding that is missing or elsewhere, bits behind the end.
    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v=", "Zm=v", "Zg==Zg==", "Zm9-", "Zm9_", "Zm9v\n", " Zm9", "Zh==", "Zm9=",
    ])
    func refusesWhatNoOneWrites(_ text: String) { #expect(Base64.decoded(text) == nil) }
}
