package import Storage

/// What can be wrong with what an edit is asked to do.
package enum SurgeryError: DiagnosedError {
    case unmatchedPattern(String)
    case nothingSelected

    package var fault: Fault { .usage }

    package var kind: String {
        switch self {
        case .unmatchedPattern: "unmatched-pattern"
        case .nothingSelected: "nothing-selected"
        }
    }

    package var description: String {
        switch self {
        case .unmatchedPattern(let pattern):
            "No parameter of the model has a name like \(JSONValue.string(pattern).serialized()); excise inspect MODEL --tensors lists them."
        case .nothingSelected: "--exclude leaves no parameter that the edit could change."
        }
    }
}
