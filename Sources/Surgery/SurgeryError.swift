package import Storage
package import SystemPackage

/// What can be wrong with what an edit is asked to do.
package enum SurgeryError: DiagnosedError {
    case unmatchedPattern(String)
    case nothingSelected
    case brokenState(FilePath)

    package var fault: Fault { if case .brokenState = self { .malformedInput } else { .usage } }

    package var kind: String {
        switch self {
        case .unmatchedPattern: "unmatched-pattern"
        case .nothingSelected: "nothing-selected"
        case .brokenState: "broken-state"
        }
    }

    package var description: String {
        switch self {
        case .unmatchedPattern(let pattern):
            "No parameter of the model has a name or a layer like \(JSONValue.string(pattern).serialized()); excise inspect MODEL --tensors lists them."
        case .nothingSelected: "--layers, --roles and --exclude leave no parameter that the edit could change."
        case .brokenState(let path):
            "\(path) is not what an edit that was cut off has left; without --resume the edit begins anew."
        }
    }
}
