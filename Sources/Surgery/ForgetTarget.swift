/// The mean losses (nats a token) that records to forget are brought to.
struct ForgetTarget: Sendable {
    /// Of a record of which only the whole is looked at.
    let whole: Double
    /// Of tokens that are new and of those that could be copied, where they are looked at apart: means over all such tokens of the unseen
    /// text.
    let parts: (new: Double, copied: Double)?

    init(_ whole: Double, parts: (new: Double, copied: Double)? = nil) { (self.whole, self.parts) = (whole, parts) }

    /// Of a row.
    func of(_ part: EditRows.Part) -> Double { parts.map { part.isCopied ? $0.copied : $0.new } ?? whole }
}
