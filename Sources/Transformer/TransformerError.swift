package import Storage

/// What can keep a sweep from being done.
package enum TransformerError: DiagnosedError {
    case overBudget(budget: Int, smallest: Int)

    package var fault: Fault { .overBudget }
    package var kind: String { "over-budget" }

    package var description: String {
        switch self {
        case .overBudget(let budget, let smallest):
            "The memory budget of \(budget >> 20) MiB cannot be met; this work needs --memory \((smallest >> 20) + 1)MiB at least, or fewer or shorter records."
        }
    }
}
