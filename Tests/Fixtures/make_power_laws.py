#!/usr/bin/env python3
"""Makes diff/power-laws.json: samples, and the power law that the package `powerlaw` (Alstott, Bullmore and Plenz, PLoS ONE 9, 2014) fits to each.

    pip install numpy==2.4.6 powerlaw==2.0.0
    python Tests/Fixtures/make_power_laws.py

`law` is whether the sample was drawn from a power law; others may pass for one.
"""

import json
import pathlib
import warnings

import numpy as np
import powerlaw

OUTPUT = pathlib.Path(__file__).parent / "diff" / "power-laws.json"


def samples():
    random = np.random.default_rng(20261122)

    def pareto(count, alpha):
        return (1 - random.random(count)) ** (-1 / (alpha - 1))

    def eigenvalues(matrix):
        return np.linalg.svd(matrix, compute_uv=False) ** 2

    yield "Pareto 2.5", pareto(300, 2.5), True
    yield "Pareto 4", pareto(300, 4), True
    yield "Pareto over noise", np.concatenate([random.random(100), pareto(200, 3.2)]), True
    yield "log-normal", np.exp(random.standard_normal(400)), False
    yield "exponential", random.exponential(size=300), False
    yield "uniform", random.random(200), False
    yield "eigenvalues of noise", eigenvalues(random.standard_normal((200, 400)) / 20), False
    yield "eigenvalues of heavy tails", eigenvalues(random.standard_t(2.5, (200, 400))), False


def main():
    warnings.simplefilter("ignore")  # of numbers beside the search
    cases = {}
    for name, numbers, law in samples():
        numbers = np.sort(np.array([float(f"{number:.9g}") for number in numbers]))
        # By itself it looks for exponents up to 3 only. Its distance looks at one side of each step, and is up to 1 / count too small.
        fit = powerlaw.Fit(numbers, verbose=0, parameter_ranges={"alpha": [1, 1000]})
        cases[name] = {
            "numbers": numbers.tolist(), "law": law, "alpha": float(fit.alpha), "start": float(fit.xmin),
            "count": int((numbers >= fit.xmin).sum()), "distance": float(fit.D),
        }
    OUTPUT.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
