/// A name that is one with another only if their bytes are the same: Swift's strings take canonically equivalent ones for equal,
/// and files tell them apart.
package struct ByteName: Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: ByteName, b: ByteName) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}
