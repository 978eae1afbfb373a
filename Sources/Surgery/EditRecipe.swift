internal import Storage
package import Transformer

/// What an edit is asked to do, whatever the model and the texts.
package struct EditRecipe: Sendable {
    package enum Method: String, Sendable, CaseIterable {
        case targetedRemoval = "fisher-targeted"
        case removal = "fisher-removal"
        case forgetting = "fisher-forgetting"
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
    /// The mean loss (nats a token) that forget records are brought to.
    package var target: Double
    /// tau of Fisher Forgetting: the noise's size as `Noise` defines it.
    package var noise = 0.01
    /// How far the retain text's perplexity may rise, as a part of the unedited model's.
    package var retainBound = 0.01
    /// Which parameters may change.
    package var selection = ParameterSelection()
    /// What the noise is drawn from.
    package var seed: UInt64 = 0

    /// The curvature that a method uses where the user says nothing.
    package static func defaultCurvature(_ method: Method) -> CurvatureKind {
        switch method {
        case .targetedRemoval: .diagonal
        case .removal, .forgetting: .woodbury(.parameter)
        }
    }

    /// Rounds a method takes at most where the user says nothing.
    package static func defaultRounds(_ method: Method, _ strength: Strength) -> Int {
        switch (method, strength) {
        case (.removal, .fixed), (.forgetting, .fixed): 1
        case (.removal, .automatic), (.forgetting, .automatic): 25
        case (.targetedRemoval, _): 24
        }
    }

    package init(method: Method, curvature: CurvatureKind, strength: Strength, damping: Double, rounds: Int, target: Double) {
        self.method = method
        self.curvature = curvature
        self.strength = strength
        self.damping = damping
        self.rounds = rounds
        self.target = target
    }
}

/// The records an edit works with, as tokens.
package struct EditRecords: Sendable {
    /// To be forgotten.
    package var forget: [Example]
    /// Each to keep its own loss.
    package var keep: [Example]
    /// Neighbours of the forget text, and unseen text like it: each to keep its own loss too, without being what was asked to be kept.
    package var held: [Example]
    /// General text that the Fisher is made of.
    package var retain: [Example]
    /// General text whose perplexity is watched: best none of what the Fisher is made of.
    package var watched: [Example]

    /// - Parameter watched: nil: the first of the retain records.
    package init(forget: [Example], keep: [Example], held: [Example] = [], retain: [Example], watched: [Example]? = nil) {
        self.forget = forget
        self.keep = keep
        self.held = held
        self.retain = retain
        self.watched = watched ?? Array(retain.prefix(16))
    }

    /// Examples that each stand for `count` samples (the last for what is left), so that a gradient is a micro-batch's: the loss is
    /// the mean over the tokens of all of them.
    package static func microBatches(_ samples: [Example], of count: Int) -> [Example] {
        stride(from: 0, to: samples.count, by: count).map { start in
            Example(windows: samples[start..<min(samples.count, start + count)].flatMap(\.windows))
        }
    }
}
