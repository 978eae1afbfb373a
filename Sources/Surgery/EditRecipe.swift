internal import Storage

/// What an edit is asked to do, whatever the model and the texts.
package struct EditRecipe: Sendable {
    package enum Method: String, Sendable, CaseIterable {
        case targetedRemoval = "fisher-targeted"
        case removal = "fisher-removal"
        case forgetting = "fisher-forgetting"
        /// theta' = theta + eta v: Fisher Removal without a Fisher, the first of Yao et al.'s (arXiv 2402.15159) first-order methods.
        case gradientAscent = "gradient-ascent"
    }

    /// How far Fisher Removal goes, also as a part of Fisher Forgetting: until the forget loss reaches its target, or a fixed multiple
    /// of F^-1 v, which may be 0 for Fisher Forgetting: noise only.
    package enum Strength: Sendable {
        case automatic
        case fixed(Double)
    }

    package var method: Method
    /// How the Fisher is approximated.
    package var curvature: CurvatureKind
    package var strength: Strength
    /// Damping relative to the Fisher's own scale (rho of DESIGN).
    package var damping: Double
    /// The most rounds of direction and step.
    package var rounds: Int
    /// The mean loss (nats a token) that forget records are brought to; nil: that of the unseen records by the unedited model, of what is
    /// new in them and what could be copied for each.
    package var target: Double?
    /// tau of Fisher Forgetting: the noise's size as `Noise` defines it.
    package var noise = 0.01
    /// How far the retain text's perplexity may rise, as a part of the unedited model's.
    package var retainBound = 0.01
    /// Which parameters may change.
    package var selection = ParameterSelection()
    /// Which part of these parameters may change: the rows that matter most to the records to forget; nil: all of them.
    package var salience: Double?
    /// What the noise is drawn from.
    package var seed: UInt64 = 0

    /// The curvature that a method uses where the user says nothing.
    package static func defaultCurvature(_ method: Method) -> CurvatureKind {
        switch method {
        case .targetedRemoval: .ekfac
        case .removal, .forgetting: .woodbury(.parameter)
        case .gradientAscent: .identity
        }
    }

    /// Rounds a method takes at most where the user says nothing.
    package static func defaultRounds(_ method: Method, _ strength: Strength) -> Int {
        switch (method, strength) {
        case (.targetedRemoval, _): 24
        case (_, .fixed): 1
        case (_, .automatic): 25
        }
    }

    package init(method: Method, curvature: CurvatureKind, strength: Strength, damping: Double, rounds: Int, target: Double?) {
        self.method = method
        self.curvature = curvature
        self.strength = strength
        self.damping = damping
        self.rounds = rounds
        self.target = target
    }
}
