/// Where the rounds of an edit have come to.
struct EditState {
    var rounds: [EditRound]
    /// The sum of the steps.
    let change: ParameterStore
    var losses: RowLosses
    /// The watched retain records' mean loss, and what first-order theory made of the steps' effect on it.
    var retain: Double
    var predictedRetain: Double
    /// The same by the unedited model.
    let unedited: Double
    /// The last place within the retain bound, where it was left.
    var allowed: EditOutcome.Point?

    /// Where the rounds are, as a place to end.
    var point: EditOutcome.Point { EditOutcome.Point(change: change, losses: losses, retain: retain) }
}
