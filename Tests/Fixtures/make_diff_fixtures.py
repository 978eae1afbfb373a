#!/usr/bin/env python3
"""Makes diff/: pairs of checkpoints, and what NumPy and SciPy find between them in Double.

    pip install numpy==2.4.6 scipy==1.17.0 safetensors==0.8.0 ml_dtypes==0.5.4
    python Tests/Fixtures/make_diff_fixtures.py

before.safetensors and after.safetensors hold a tensor for each case; expected.json its statistics by name. tails.json holds numbers and the
power law that a search of all starts finds in their tail (Clauset, Shalizi and Newman, 2009).
"""

import json
import pathlib

import ml_dtypes
import numpy as np
import scipy.stats
from safetensors.numpy import save_file

OUTPUT = pathlib.Path(__file__).parent / "diff"
TYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}
BITS = {2: np.int16, 4: np.int32}


def pairs():
    """Name, before, after."""
    random = np.random.default_rng(20261122)

    def normal(*shape, scale=1.0):
        return random.standard_normal(shape) * scale

    for dtype, kind in TYPES.items():
        weight = normal(64, 48, scale=0.05)
        yield f"layers.0.noise.{dtype}", weight.astype(kind), (weight + normal(64, 48, scale=2e-3)).astype(kind)
        sparse = weight.astype(kind)
        changed = sparse.copy()
        changed.reshape(-1)[::97] *= kind(1.25)
        yield f"layers.1.sparse.{dtype}", sparse, changed
        hole = changed.copy()
        hole[5, 7], hole[6, 1], hole[9, 9] = np.nan, np.inf, -np.inf
        yield f"layers.2.hole.{dtype}", sparse, hole
        rank = weight + 1e-2 * np.outer(normal(64), normal(48)) + 5e-3 * np.outer(normal(64), normal(48))
        yield f"layers.3.rank.{dtype}", weight.astype(kind), rank.astype(kind)
        norm = 1 + normal(2049, scale=0.01)
        yield f"layers.4.norm.{dtype}", norm.astype(kind), (norm * 1.01).astype(kind)
        zeros = np.zeros((3, 5), kind)
        yield f"layers.5.zeros.{dtype}", zeros, -zeros
    wide = normal(33, 41, scale=0.1)
    for old, new in [("F32", "BF16"), ("F16", "F32"), ("BF16", "F16")]:
        yield f"layers.6.{old}-{new}", wide.astype(TYPES[old]), (wide * 1.001).astype(TYPES[new])
    tiny = normal(1500, scale=1e-30).astype(np.float32)
    yield "layers.7.tiny.F32", tiny, (tiny * np.float32(1.5)).astype(np.float32)
    huge = normal(1500, scale=1e30).astype(np.float32)
    yield "layers.7.huge.F32", huge, (huge * np.float32(-0.5)).astype(np.float32)
    long = normal(300, scale=1.0).astype(np.float32)
    yield "layers.7.scaled.F32", long, (long * np.float32(100)).astype(np.float32)
    yield "layers.8.integers", np.arange(600, dtype=np.int64), np.arange(600, dtype=np.int64) // 2 * 2
    yield "layers.8.equal", wide.astype(np.float16), wide.astype(np.float16)


def ulps(before, after):
    """Steps from one value of the type to the other."""
    def order(array):
        bits = array.view(BITS[array.itemsize]).astype(np.int64)
        return np.where(bits < 0, bits ^ ((1 << (8 * array.itemsize - 1)) - 1), bits)
    return np.abs(order(after) - order(before))


def statistics(before, after):
    if not any(before.dtype == kind for kind in TYPES.values()):
        return {"changed_elements": int((before != after).sum())}
    a, b = before.astype(np.float64).reshape(-1), after.astype(np.float64).reshape(-1)
    finite = np.isfinite(a) & np.isfinite(b)
    result = {"nan": int(np.isnan(b).sum()), "infinite": int(np.isinf(b).sum()), "compared_elements": int(finite.sum())}
    if before.dtype == after.dtype:
        steps = ulps(before, after).reshape(-1)
        result["changed_elements"] = int((steps > 0).sum())
        result["max_ulps"] = int(steps[finite].max())
        if result["changed_elements"]:
            result["mean_ulps"] = float(steps[finite].sum() / (steps > 0).sum())
    else:
        result["changed_elements"] = int((a != b).sum())
    a, b = a[finite], b[finite]
    d = b - a
    result |= {"max_abs": np.abs(d).max(), "mean": d.mean(), "mean_abs": np.abs(d).mean(), "rms": np.sqrt((d * d).mean())}
    norms = np.linalg.norm(a), np.linalg.norm(b)
    if norms[0] > 0:
        result["relative_l2"] = np.linalg.norm(d) / norms[0]
        # 1 - a b / (|a| |b|) to all digits: half the squared distance of the unit vectors.
        result["cosine_distance"] = float(((a / norms[0] - b / norms[1]) ** 2).sum() / 2)
        result["cosine"] = float(a @ b / norms[0] / norms[1])
        result["distribution"] = distribution(before, after)
    if before.ndim == 2 and len(d) == before.size and np.abs(d).max() > 0:
        result["spectrum"] = spectrum(d.reshape(before.shape))
    return {key: float(value) if isinstance(value, np.floating) else value for key, value in result.items()}


def distribution(before, after):
    """Of each side's finite values, and of the finite differences."""
    a, b = before.astype(np.float64).reshape(-1), after.astype(np.float64).reshape(-1)
    with np.errstate(invalid="ignore"):
        d = b - a
    a, b, d = (side[np.isfinite(side)] for side in (a, b, d))

    def moments(side):
        result = {"standard_deviation": float(side.std())}
        if side.std() > 0:
            result["kurtosis"] = float(scipy.stats.kurtosis(side))
        return result

    return {
        "ks": float(scipy.stats.ks_2samp(a, b).statistic),
        "wasserstein": float(scipy.stats.wasserstein_distance(a, b)),
        "scale": float(max(np.abs(a).max(), np.abs(b).max())),
        "before": moments(a), "after": moments(b), "difference": moments(d),
    }


def spectrum(difference):
    values = np.linalg.svd(difference, compute_uv=False)
    shares = values[values > 0] / values.sum()
    return {
        "singular_values": values[:32].tolist(),
        "stable_rank": float((values**2).sum() / values[0] ** 2),
        "effective_rank": float(np.exp(-(shares * np.log(shares)).sum())),
    }


def tail(numbers, fitted):
    """The start whose tail, of ten numbers or more, is nearest to its law."""
    ordered = np.sort(numbers)
    best = None
    for start in np.unique(ordered)[::-1]:
        part = ordered[ordered >= start]
        if len(part) < 10 or part[-1] == start:
            continue
        alpha = 1 + len(part) / np.log(part / start).sum()
        law = 1 - (part / start) ** (1 - alpha)
        steps = np.arange(len(part) + 1) / len(part)
        distance = max(np.abs(law - steps[:-1]).max(), np.abs(law - steps[1:]).max())
        if best is None or distance <= best["distance"]:
            best = {"alpha": alpha, "start": start, "count": len(part), "distance": distance}
    best = {key: float(value) if key != "count" else value for key, value in best.items()}
    return {"numbers": ordered.tolist(), **best, "fitted": fitted}


def tails():
    random = np.random.default_rng(7)
    return {
        "pareto": tail((1 - random.random(400)) ** (-1 / 1.5), True),
        "pareto over noise": tail(np.concatenate([random.random(200), (1 - random.random(200)) ** (-1 / 2.2)]), True),
        "two values": tail(np.repeat([1.0, 3.0], 40), False),
    }


def main():
    OUTPUT.mkdir(exist_ok=True)
    cases = list(pairs())
    save_file({name: before for name, before, _ in cases}, OUTPUT / "before.safetensors")
    save_file({name: after for name, _, after in cases}, OUTPUT / "after.safetensors")
    for file in OUTPUT.glob("*.safetensors"):
        file.chmod(0o644)
    expected = {name: statistics(before, after) for name, before, after in cases}
    (OUTPUT / "tails.json").write_text(json.dumps(tails(), indent=1) + "\n")
    (OUTPUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
