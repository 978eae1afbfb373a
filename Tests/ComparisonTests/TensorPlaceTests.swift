import Comparison
import Testing

@Suite struct TensorPlaceTests {
    @Test(
        arguments: [
            ("model.layers.12.self_attn.q_proj.weight", 12, "self_attn.q_proj.weight"), ("h.0.ln_1.bias", 0, "ln_1.bias"),
            ("model.layers.3.mlp.experts.17.w1.weight", 3, "mlp.experts.*.w1.weight"), ("lm_head.weight", nil, "lm_head.weight"),
            ("a.7", nil, "a.7"), ("", nil, ""), ("a.99999999999999999999.b", nil, "a.99999999999999999999.b"), ("..1..", 1, "."),
        ] as [(String, Int?, String)])
    func isReadOffTheName(_ name: String, _ layer: Int?, _ kind: String) {
        let place = TensorPlace(name)
        #expect(place.layer == layer && place.kind == kind)
    }
}
