/// How much of a text's words another has in the same order: the longest common subsequence of words, over the words of either (Lin 2004).
///
/// Words are runs of a to z and digits, in lower case, unstemmed: what Google's rouge_score makes of a text without its stemmer.
package struct RougeL: Sendable, Equatable {
    /// Over the words of the true text.
    package let recall: Double
    /// Over the words of the other.
    package let precision: Double
    package var f1: Double { recall + precision > 0 ? 2 * recall * precision / (recall + precision) : 0 }

    package init(truth: String, other: String) {
        let (truth, other) = (Self.words(truth), Self.words(other))
        // Row by row of the table of prefixes' longest common subsequences.
        var longest = [Int](repeating: 0, count: other.count + 1)
        for word in truth {
            var diagonal = 0
            for (index, candidate) in other.enumerated() {
                let above = longest[index + 1]
                longest[index + 1] = word == candidate ? diagonal + 1 : max(above, longest[index])
                diagonal = above
            }
        }
        let common = Double(longest[other.count])
        (recall, precision) = (truth.isEmpty ? 0 : common / Double(truth.count), other.isEmpty ? 0 : common / Double(other.count))
    }

    private static func words(_ text: String) -> [[UInt8]] {
        // Letters whose lower case is a to z, such as the Kelvin sign, become those first.
        text.lowercased().utf8.split { byte in
            !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }.map(Array.init)
    }
}
