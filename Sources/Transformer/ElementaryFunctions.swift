internal import Glibc
internal import Tensors

/// e to the power of x, within 2 units in the last place; below -87.3 it stays at the least normal number, above 88.7 at the
/// largest.
///
/// Plain arithmetic without branches or traps, so that loops over it become vector code.
@inline(__always)
func exponential(_ x: Float) -> Float {
    let bounded = min(max(x, -87.33654), 88.72283)
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
    let shifted = bounded * 1.442695 + 12_582_912
    let power = shifted - 12_582_912
    let rest = (bounded - power * 0.693359375) - power * -2.12194440e-4
    var polynomial: Float = 1.9875691500e-4
    polynomial = polynomial * rest + 1.3981999507e-3
    polynomial = polynomial * rest + 8.3334519073e-3
    polynomial = polynomial * rest + 4.1665795894e-2
    polynomial = polynomial * rest + 1.6666665459e-1
    polynomial = polynomial * rest + 5.0000001201e-1
    let fraction = polynomial * rest * rest + rest + 1
    // 2^127 twice over: the largest power does not fit into one exponent.
    let exponent = shifted.bitPattern &- 0x4B40_0000
    let half = UInt32(bitPattern: Int32(bitPattern: exponent) &>> 1)
    return fraction * Float(bitPattern: (half &+ 127) &<< 23) * Float(bitPattern: (exponent &- half &+ 127) &<< 23)
}

/// The same for eight at once.
@inline(__always)
func exponential(_ x: Lanes) -> Lanes {
    var bounded = x.replacing(with: -87.33654, where: x .< -87.33654)
    bounded.replace(with: 88.72283, where: bounded .> 88.72283)
    let shifted = bounded * 1.442695 + 12_582_912
    let power = shifted - 12_582_912
    let rest = (bounded - power * 0.693359375) - power * -2.12194440e-4
    var polynomial = Lanes(repeating: 1.9875691500e-4)
    polynomial = polynomial * rest + 1.3981999507e-3
    polynomial = polynomial * rest + 8.3334519073e-3
    polynomial = polynomial * rest + 4.1665795894e-2
    polynomial = polynomial * rest + 1.6666665459e-1
    polynomial = polynomial * rest + 5.0000001201e-1
    let fraction = polynomial * rest * rest + rest + 1
    let exponent = unsafe unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &- 0x4B40_0000
    let half = unsafe unsafeBitCast(unsafeBitCast(exponent, to: SIMD8<Int32>.self) &>> 1, to: SIMD8<UInt32>.self)
    let (first, second) = ((half &+ 127) &<< 23, (exponent &- half &+ 127) &<< 23)
    return unsafe fraction * unsafeBitCast(first, to: Lanes.self) * unsafeBitCast(second, to: Lanes.self)
}

/// The hyperbolic tangent, within 4 units in the last place of 1.
@inline(__always)
func hyperbolicTangent(_ x: Float) -> Float {
    let decay = exponential(-2 * abs(x))
    let magnitude = (1 - decay) / (1 + decay)
    return x < 0 ? -magnitude : magnitude
}

/// The normal distribution's function, within 4e-7 of itself.
@inline(__always)
func normalDistribution(_ x: Float) -> Float {
    let z = abs(x) * 0.70710678
    let t = 1 / (1 + 0.5 * z)
    // A Chebyshev fit to the complementary error function (Press et al., Numerical Recipes, section 6.2).
    var polynomial: Float = 0.17087277
    polynomial = polynomial * t - 0.82215223
    polynomial = polynomial * t + 1.48851587
    polynomial = polynomial * t - 1.13520398
    polynomial = polynomial * t + 0.27886807
    polynomial = polynomial * t - 0.18628806
    polynomial = polynomial * t + 0.09678418
    polynomial = polynomial * t + 0.37409196
    polynomial = polynomial * t + 1.00002368
    polynomial = polynomial * t - 1.26551223
    let tail = 0.5 * t * exponential(polynomial - z * z)
    return x < 0 ? tail : 1 - tail
}

/// The natural logarithm.
func logarithm(_ x: Float) -> Float { Float(log(Double(x))) }
