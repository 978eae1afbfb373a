/// The pre-tokenizer UnicodeScripts: runs of characters of one script, as Hugging Face tokenizers cuts them.
///
/// By the tables of Unicode 9, with Hiragana and Katakana counted as Han. Spaces and what has no script there belong to the run before
/// them; at the start of a text they are left out.
enum UnicodeScripts {
    /// An expression that matches one run.
    static func expression(_ file: String, _ item: String) throws(TokenizerError) -> RegularExpression {
        let alternatives = scripts.map { "(?:\($0))(?:\($0)|(?1))*+" }.joined(separator: "|")
        let pattern = "(?(DEFINE)([\(ScalarClass.scriptless.members)]))(?!(?1))(?:\(alternatives))"
        return try RegularExpression(classes: pattern, file: file, item: item)
    }

    /// For each script an expression that matches one of its characters: PCRE2's, but for the five characters that Unicode 9 counted
    /// otherwise, or that Hugging Face tokenizers does (U+30FC). The frequent scripts first.
    private static let scripts: [String] =
        [
            #"\p{sc:Latin}"#, #"(?!\x{30FC})[\p{sc:Common}\x{589}\x{61C}]"#, #"[\p{sc:Han}\p{sc:Hiragana}\p{sc:Katakana}\x{30FC}]"#,
            #"(?!\x{589})\p{sc:Armenian}"#, #"(?!\x{61C})\p{sc:Arabic}"#, #"[\p{sc:Devanagari}\x{953}\x{954}]"#,
            #"(?![\x{953}\x{954}])\p{sc:Inherited}"#,
        ] + names.split(separator: " ").map { "\\p{sc:\($0)}" }

    private static let names = """
        Adlam Ahom Anatolian_Hieroglyphs Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese \
        Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Coptic Cuneiform Cypriot Cyrillic Deseret Duployan \
        Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Hangul Hanunoo Hatran Hebrew \
        Imperial_Aramaic Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Kayah_Li Kharoshthi Khmer Khojki \
        Khudawadi Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean Marchen Meetei_Mayek \
        Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko \
        Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage \
        Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada \
        Shavian Siddham SignWriting Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet \
        Takri Tamil Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi
        """
}
