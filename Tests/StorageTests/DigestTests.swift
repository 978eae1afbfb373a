import Storage
import SystemPackage
import TestSupport
import Testing

struct DigestTests {
    /// FIPS 180-4's examples, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownAnswers(_ message: String, _ digest: String) throws {
        let bytes = Array(message.utf8)
        var hasher = SHA256Hasher()
        for byte in bytes { hasher.update([byte].span) }
        let piecewise = hasher.finish()
        var whole = SHA256Hasher()
        whole.update(bytes.span)
        #expect(piecewise.description == digest)
        #expect(whole.finish() == piecewise)
        #expect(SHA256Digest(hexadecimal: digest) == piecewise)
        #expect(SHA256Digest(bytes: piecewise.bytes) == piecewise)
    }

    @Test func aMillionTimesA() {
        var hasher = SHA256Hasher()
        let part = [UInt8](repeating: 0x61, count: 1_000)
        for _ in 0..<1_000 { hasher.update(part.span) }
        #expect(hasher.finish().description == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test(arguments: [
        "", "ab", String(repeating: "0", count: 63), String(repeating: "0", count: 63) + "g", String(repeating: "é", count: 32),
    ])
    func refusesOtherHexadecimal(_ text: String) {
        #expect(SHA256Digest(hexadecimal: text) == nil)
    }

    /// Around the size of a read: nothing, one byte, one read, one byte more, and two reads and a bit.
    @Test(arguments: [0, 1, 1 << 20, 1 << 20 + 1, 2_500_000])
    func filesAreReadToTheirEnd(_ count: Int) throws {
        try withScratchDirectory { directory in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let path = directory.appending("data")
            try write(bytes, to: path)
            var hasher = SHA256Hasher()
            hasher.update(bytes.span)
            #expect(try InputFile(path).sha256() == hasher.finish())
        }
    }
}
