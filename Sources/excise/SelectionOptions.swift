internal import ArgumentParser
internal import Checkpoints
internal import Surgery

/// What of a model an edit may change.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Change only tensors of such names, such as 'model.layers.*.mlp.*', or of such layers, such as 4-7; may be given more than once.",
            valueName: "GLOB|FROM-TO"))
    var layers: [String] = []
    @Option(help: ArgumentHelp("Change no such tensor; may be given more than once.", valueName: "GLOB|FROM-TO")) var exclude: [String] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Change only parameters of these roles.", valueName: "attention|feed-forward|norm|embedding"))
    var roles: [ParameterRole] = []
    @Option(
        help: ArgumentHelp(
            "Of these, change only the rows that matter most to the records to forget, this part of the numbers; with --curvature diagonal or woodbury.",
            valueName: "part"))
    var salience: PartArgument?

    func validate() throws {
        if let salience, !(salience.value > 0 && salience.value <= 1) { throw ValidationError("--salience is a part, such as 5%.") }
    }

    /// Throws `ValidationError` where the steps of a method by this curvature change other rows too.
    func check(_ method: EditRecipe.Method, _ curvature: CurvatureKind) throws {
        guard salience != nil else { return }
        guard method != .forgetting, curvature == .diagonal || curvature == .identity || curvature.name == "woodbury" else {
            throw ValidationError(
                "--salience goes with --curvature diagonal, identity or woodbury, whose steps stay within rows; fisher-forgetting's noise does not."
            )
        }
    }

    var selection: ParameterSelection {
        var selection = ParameterSelection()
        selection.included = layers.map(ParameterSelection.Pattern.init)
        selection.excluded = exclude.map(ParameterSelection.Pattern.init)
        selection.roles = roles
        return selection
    }
}

extension ParameterRole: ExpressibleByArgument {}

/// A part of a whole: 0.01, or 1%.
struct PartArgument: ExpressibleByArgument {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        let isPercentage = argument.hasSuffix("%")
        guard let number = Double(isPercentage ? String(argument.dropLast()) : argument), number >= 0, number.isFinite else { return nil }
        value = isPercentage ? number / 100 : number
    }

    var defaultValueDescription: String { "1%" }
}
