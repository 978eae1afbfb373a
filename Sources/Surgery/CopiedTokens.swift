package import Transformer

/// A record's tokens are of two kinds to a model that has not learned it by heart: those that stood earlier in the window, such as a name from
/// the question, can be copied from there; the others are new.
///
/// What a record holds that a model must not know is in what is new. But a step that may raise a record's mean loss as it likes breaks the
/// copying first, which is the cheapest, and with it all text about the same names. So each kind has its own target.
package struct CopiedTokens: Sendable {
    /// The record with only its new tokens scored; nil where there are none. `copied` likewise.
    package let new: Example?
    package let copied: Example?

    package init(of record: Example) {
        var (new, copied) = (record.windows, record.windows)
        for (index, window) in record.windows.enumerated() {
            var before: Set<Int32> = []
            for (place, target) in window.targets.enumerated() {
                before.insert(window.inputs[place])
                if target != Window.unscored && before.contains(target) {
                    new[index].targets[place] = Window.unscored
                } else {
                    copied[index].targets[place] = Window.unscored
                }
            }
        }
        func scored(_ windows: [Window]) -> Example? {
            let scored = windows.filter { window in window.targets.contains { $0 != Window.unscored } }
            return scored.isEmpty ? nil : Example(windows: scored)
        }
        (self.new, self.copied) = (scored(new), scored(copied))
    }
}
