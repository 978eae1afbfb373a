internal import Checkpoints
internal import Storage
internal import SystemPackage

/// Findings in the order they are made. Of one code in one file only the first are kept; all are counted.
struct FindingList {
    /// The model's place, which sentences leave out.
    let root: FilePath
    private(set) var findings: [Finding] = []
    private(set) var errorCount = 0
    private(set) var warningCount = 0
    /// Whether every error is a file that is not there.
    private(set) var hasOnlyMissingFiles = true
    private var counts: [[UInt8]: Int] = [:]

    private static let mostAlike = 100

    init(root: FilePath) { self.root = root }

    mutating func error(_ code: AuditCode, _ file: String, item: String? = nil, _ message: String) {
        add(Finding(severity: .error, code: code.rawValue, file: file, item: item, message: message))
    }

    mutating func warning(_ code: AuditCode, _ file: String, item: String? = nil, _ message: String) {
        add(Finding(severity: .warning, code: code.rawValue, file: file, item: item, message: message))
    }

    mutating func warning(_ oddity: HeaderWarning, _ file: String) {
        add(Finding(severity: .warning, code: oddity.rawValue, file: file, item: nil, message: "\(oddity)."))
    }

    /// What a reader of the project refuses.
    mutating func refusal(_ error: any DiagnosedError, _ file: String, severity: Finding.Severity = .error) {
        let item = (error as? CheckpointError)?.item
        add(Finding(severity: severity, code: error.kind, file: file, item: item, message: sentence(error, file, item)))
    }

    /// Likewise, where what is only not supported can be sound nevertheless.
    mutating func objection(_ error: any DiagnosedError, _ file: String) {
        refusal(error, file, severity: error.fault == .unsupported ? .warning : .error)
    }

    private mutating func add(_ finding: Finding) {
        switch finding.severity {
        case .error:
            errorCount += 1
            hasOnlyMissingFiles = hasOnlyMissingFiles && finding.isMissingFile
        case .warning: warningCount += 1
        }
        let count = counts[Array("\(finding.code) \(finding.file)".utf8), default: 0]
        counts[Array("\(finding.code) \(finding.file)".utf8)] = count + 1
        if count < Self.mostAlike { findings.append(finding) }
    }

    /// The error's sentence without what the finding names by itself.
    private func sentence(_ error: any DiagnosedError, _ file: String, _ item: String?) -> String {
        var text = error.description.replacing("\(root)/", with: "")
        for place in ["\(root): ", "\(file): ", "tensor \(CheckpointError.quoted(item ?? "")): "] where text.hasPrefix(place) {
            text.removeFirst(place.count)
        }
        return text
    }
}

extension CheckpointError {
    /// The tensor or key that it is about.
    fileprivate var item: String? {
        switch self {
        case .tensor(_, let name, _, _), .missingTensor(_, let name), .unexpectedShape(_, let name, _, _),
            .unsupportedDType(_, let name, _):
            name
        case .configuration(_, let key, _), .unsupportedTrait(_, let key, _, _): key
        case .unsupportedArchitecture: "model_type"
        default: nil
        }
    }
}
