/// The mean losses (nats a token) that records to forget are brought to.
package struct ForgetTarget: Sendable, Equatable {
    /// Of a record of which only the whole is looked at.
    package let whole: Double
    /// Of tokens that are new and of those that could be copied, where they are looked at apart: means over all such tokens of the unseen
    /// text.
    package let parts: (new: Double, copied: Double)?

    package init(_ whole: Double, parts: (new: Double, copied: Double)? = nil) { (self.whole, self.parts) = (whole, parts) }

    /// Of a row.
    func of(_ part: EditRows.Part) -> Double { parts.map { part.isCopied ? $0.copied : $0.new } ?? whole }

    /// Of the mean over some records.
    func mean(_ rows: EditRows) -> Double { rows.forgetMean(rows.parts.map(of)) }

    package static func == (a: ForgetTarget, b: ForgetTarget) -> Bool {
        a.whole == b.whole && a.parts?.new == b.parts?.new && a.parts?.copied == b.parts?.copied
    }
}
