internal import Checkpoints

/// An activation function and its derivative, in plain arithmetic, so that loops over them become vector code.
protocol ActivationFunction: SendableMetatype {
    static func value(_ x: Float) -> Float
    static func slope(_ x: Float) -> Float
}

/// x / (1 + e^-x).
enum SiLU: ActivationFunction {
    @inline(__always)
    static func value(_ x: Float) -> Float { x / (1 + exponential(-x)) }

    @inline(__always)
    static func slope(_ x: Float) -> Float {
        let sigmoid = 1 / (1 + exponential(-x))
        return sigmoid * (1 + x * (1 - sigmoid))
    }
}

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
enum TanhGELU: ActivationFunction {
    @inline(__always)
    static func value(_ x: Float) -> Float { 0.5 * x * (1 + hyperbolicTangent(0.7978845608 * (x + 0.044715 * x * x * x))) }

    @inline(__always)
    static func slope(_ x: Float) -> Float {
        let tangent = hyperbolicTangent(0.7978845608 * (x + 0.044715 * x * x * x))
        let inner = 0.7978845608 * (1 + 3 * 0.044715 * x * x) * (1 - tangent * tangent)
        return 0.5 * (1 + tangent) + 0.5 * x * inner
    }
}

/// x Phi(x), Phi the normal distribution's.
enum GELU: ActivationFunction {
    @inline(__always)
    static func value(_ x: Float) -> Float { x * normalDistribution(x) }

    @inline(__always)
    static func slope(_ x: Float) -> Float { normalDistribution(x) + x * 0.3989422804 * exponential(-0.5 * x * x) }
}

enum ReLU: ActivationFunction {
    @inline(__always)
    static func value(_ x: Float) -> Float { max(x, 0) }

    @inline(__always)
    static func slope(_ x: Float) -> Float { x > 0 ? 1 : 0 }
}
