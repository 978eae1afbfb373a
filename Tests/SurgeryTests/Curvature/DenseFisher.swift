import Checkpoints
import Surgery
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// A stored curvature's oracle: the same F from whole gradients, in Double, with naive loops and dense matrices.
struct DenseFisher {
    let pico: PicoExamples
    let kind: CurvatureKind
    /// What F is made of.
    let examples: Range<Int>
    let rho: Double
    let bases: KroneckerBases?
    let lambda: Double

    init(_ pico: PicoExamples, _ kind: CurvatureKind, _ examples: Range<Int>, rho: Double, bases: KroneckerBases? = nil) {
        (self.pico, self.kind, self.examples, self.rho, self.bases) = (pico, kind, examples, rho, bases)
        let all = pico.gradients[examples].flatMap { $0.values.joined() }
        lambda = rho * all.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(all.count)
    }

    /// F^power v for a parameter's v, and the trace of F^(2 power).
    func power(_ power: Double, _ name: String, _ v: [Double]) throws -> (vector: [Double], trace: Double) {
        let rows = Array(pico.rows(name)[examples])
        if kind == .identity { return (v, Double(v.count)) }
        if case .block(let size) = kind { return try blocks(power, rows, v, size) }
        guard let basis = try bases?.basis(of: name), let shape = pico.model.checkpoint.tensor(named: name)?.shape else {
            return diagonal(power, rows, v)
        }
        // Row k of `turn` is the k-th vector of the basis of the whole parameter: a Kronecker product.
        let (p, q) = (shape[0], shape[1])
        let (left, right) = (basis.leftVectors, basis.rightVectors)
        func turned(_ vector: [Double], back: Bool) -> [Double] {
            var half = left.isEmpty ? vector : [Double](repeating: 0, count: p * q)
            for i in left.isEmpty ? 0..<0 : 0..<p {
                for k in 0..<p {
                    let factor = back ? left[k * p + i] : left[i * p + k]
                    for j in 0..<q { half[i * q + j] += factor * vector[k * q + j] }
                }
            }
            if right.isEmpty { return half }
            var result = [Double](repeating: 0, count: p * q)
            for i in 0..<p {
                for j in 0..<q {
                    for k in 0..<q { result[i * q + j] += half[i * q + k] * (back ? right[k * q + j] : right[j * q + k]) }
                }
            }
            return result
        }
        let (vector, trace) = diagonal(power, rows.map { turned($0, back: false) }, turned(v, back: false))
        return (turned(vector, back: true), trace)
    }

    private func diagonal(_ power: Double, _ rows: [[Double]], _ v: [Double]) -> (vector: [Double], trace: Double) {
        let entries = v.indices.map { index in rows.reduce(lambda) { $0 + $1[index] * $1[index] / Double(rows.count) } }
        return (zip(entries, v).map { raised($0, power) * $1 }, entries.reduce(0) { $0 + raised($1, 2 * power) })
    }

    private func blocks(_ power: Double, _ rows: [[Double]], _ v: [Double], _ size: Int) throws -> (vector: [Double], trace: Double) {
        var (result, trace) = ([Double](), 0.0)
        for start in stride(from: 0, to: v.count, by: size) {
            let count = min(size, v.count - start)
            var fisher = (0..<count * count).map { entry in
                rows.reduce(0.0) { $0 + $1[start + entry / count] * $1[start + entry % count] } / Double(rows.count)
            }
            let floor = 1e-6 * (0..<count).reduce(0.0) { $0 + fisher[$1 * count + $1] }
            for index in 0..<count { fisher[index * count + index] += max(lambda, floor) }
            let (values, vectors) = try #require(LinearAlgebra.eigen(fisher, count: count))
            var part = [Double](repeating: 0, count: count)
            for k in 0..<count {
                let along = raised(values[k], power) * (0..<count).reduce(0.0) { $0 + vectors[k * count + $1] * v[start + $1] }
                for index in 0..<count { part[index] += along * vectors[k * count + index] }
                trace += raised(values[k], 2 * power)
            }
            result += part
        }
        return (result, trace)
    }

    /// x to one of the powers in use: -1, -1/2, -1/4.
    private func raised(_ x: Double, _ power: Double) -> Double {
        switch power {
        case -2: 1 / (x * x)
        case -1: 1 / x
        case -0.5: 1 / x.squareRoot()
        case -0.25: 1 / x.squareRoot().squareRoot()
        default: .nan
        }
    }
}
