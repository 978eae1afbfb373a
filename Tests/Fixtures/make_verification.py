#!/usr/bin/env python3
"""Makes verification/: what transformers, NumPy, SciPy, mpmath and scikit-learn find where the verifier measures.

    pip install torch==2.13.0 transformers==5.23.0 numpy scipy==1.17.1 mpmath scikit-learn==1.9.1 rouge_score==0.1.2
    python Tests/Fixtures/make_verification.py

pair.json: two pico models on the same tokens, token by token, and the figures llama.cpp's --kl-divergence prints of them.
rounding.json: a weight rounded to integers, by torch. skew-normal.json: its distribution far into the tail, and its fit by moments.
exposure.json: ranks of canaries among their candidates. membership.json: ROC curves of scores, their intervals, and the scores
themselves of made-up token losses. two-samples.json: Kolmogorov and Smirnov's tests. rouge.json: rouge_score's ROUGE-L.
truth-ratio.json: TOFU's ratios and their test. tasks.json: records of benchmarks as lm-evaluation-harness 0.4.13 asks and scores them (its
templates and formulas, written out). written.json: figures of made-up continuations. extraction.json: overlaps of runs of tokens.
utility.json: TOFU's model utility by SciPy's harmonic mean.
"""

import itertools
import json
import math
import pathlib
import re
import unicodedata
import zlib

import mpmath
import numpy as np
import scipy.optimize
import scipy.stats
import sklearn.metrics
import torch
from rouge_score import rouge_scorer
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
OUTPUT = HERE / "verification"


def write(name, value):
    (OUTPUT / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def error(sample):
    return np.std(sample, ddof=1) / np.sqrt(len(sample))


def pair():
    random = np.random.default_rng(1)
    tokens = random.integers(0, 61, (3, 19))
    log_p = []
    for name in ("llama-linear", "llama-dynamic"):
        model = AutoModelForCausalLM.from_pretrained(HERE / name, dtype=torch.float32).double().eval()
        with torch.no_grad():
            logits = model(torch.tensor(tokens)).logits[:, :-1]
        log_p.append(torch.log_softmax(logits, -1).numpy().reshape(-1, logits.shape[-1]))
    targets = tokens[:, 1:].reshape(-1)

    def side(log_p):
        p, true = np.exp(log_p), log_p[np.arange(len(targets)), targets]
        mean = (p * log_p).sum(-1)
        deviation = np.sqrt((p * log_p**2).sum(-1) - mean**2)
        return {"losses": (-true).tolist(), "is_argmax": (log_p.argmax(-1) == targets).tolist(),
                "standardized": ((true - mean) / deviation).tolist()}

    base, edited = side(log_p[0]), side(log_p[1])
    divergences = (np.exp(log_p[0]) * (log_p[0] - log_p[1])).sum(-1)
    same = log_p[0].argmax(-1) == log_p[1].argmax(-1)
    change = np.exp(-np.array(edited["losses"])) - np.exp(-np.array(base["losses"]))
    rms = np.sqrt(np.mean(change**2))
    divergence_places = [("p99_9", 99.9), ("p99", 99), ("p95", 95), ("p90", 90), ("median", 50), ("p10", 10), ("p5", 5), ("p1", 1)]
    change_places = divergence_places + [("p75", 75), ("p25", 25), ("p0_1", 0.1)]
    write("pair.json", {
        "tokens": tokens.tolist(), "base": base, "edited": edited, "divergences": divergences.tolist(), "agreements": same.tolist(),
        "kl_divergence": {"mean": divergences.mean(), "stderr": error(divergences), "max": divergences.max(), "min": divergences.min(),
                          **{name: np.percentile(divergences, place) for name, place in divergence_places}},
        "probability_change": {"mean": change.mean(), "stderr": error(change), "rms": rms, "rms_stderr": error(change**2) / rms / 2,
                               "max": change.max(), "min": change.min(),
                               **{name: np.percentile(change, place) for name, place in change_places}},
        "top1_agreement": same.mean(), "top1_agreement_stderr": np.sqrt(same.mean() * (1 - same.mean()) / (len(same) - 1)),
    })


def rounding():
    """Each group's step, and each weight in steps."""
    random = np.random.default_rng(2)
    weight = np.round(random.standard_normal((3, 200)) * [[0.01], [1], [30]], 4)
    weight[1, 32:64] = 0  # a group of nothing
    weight[0, 0] = 0.5 * np.abs(weight[0]).max() / 7
    tensor = torch.tensor(weight, dtype=torch.float32)
    cases = {}
    for bits in (8, 4):
        for size in (None, 128, 32):
            groups = torch.split(tensor, size or tensor.shape[1], dim=1)
            steps = [group.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1) for group in groups]
            levels = [torch.where(step > 0, torch.round(group / step), 0) for group, step in zip(groups, steps)]
            cases[f"int{bits}" + (f"_{size}" if size else "")] = {
                "steps": torch.cat(steps, 1).tolist(), "levels": torch.cat(levels, 1).int().tolist()}
    write("rounding.json", {"weight": weight.tolist(), "cases": cases})


def skew_normal():
    mpmath.mp.dps = 40
    cases = []
    for location, scale, shape in [(0, 1, 0), (20, 3, 4), (20, 3, -4), (5, 0.5, 0.7), (0, 2, -20)]:
        for z in (-40, -12, -5, -1, 0, 0.5, 3, 9):
            def density(t):
                return 2 * mpmath.npdf(t) * mpmath.ncdf(shape * t)
            points = [z - 60] + [z - d for d in (20, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)] + [z]
            cases.append([location, scale, shape, location + scale * z, float(mpmath.log(mpmath.quad(density, points)))])
    sample = scipy.stats.skewnorm.rvs(3, loc=10, scale=2, size=200, random_state=3)
    heavy = np.concatenate([np.zeros(40), [9.0]])  # more skewed than a skew-normal can be
    fits = []
    for values in (sample, -sample, heavy):
        skewness = np.clip(scipy.stats.skew(values), -0.99, 0.99)
        power = abs(skewness) ** (2 / 3)
        delta = np.sign(skewness) * np.sqrt(np.pi / 2 * power / (power + ((4 - np.pi) / 2) ** (2 / 3)))
        shape = delta / np.sqrt(1 - delta**2)
        scale = np.sqrt(np.var(values) / (1 - 2 * delta**2 / np.pi))
        location = np.mean(values) - scale * delta * np.sqrt(2 / np.pi)
        mean, variance, third = scipy.stats.skewnorm.stats(shape, location, scale, moments="mvs")
        assert np.allclose([mean, variance, third], [np.mean(values), np.var(values), skewness])
        distance = scipy.stats.kstest(values, scipy.stats.skewnorm(shape, location, scale).cdf).statistic
        fits.append({"sample": values.tolist(), "location": location, "scale": scale, "shape": shape, "distance": distance})
    write("skew-normal.json", {"log_cumulative": cases, "fits": fits})


def exposure():
    random = np.random.default_rng(4)
    cases = []
    for loss in (3.0, 12.0, 20.0):
        candidates = np.round(random.normal(15, 3, 99), 1).tolist()
        rank = int(scipy.stats.rankdata([loss] + candidates, method="max")[0])
        cases.append({"loss": loss, "candidates": candidates, "rank": rank, "bits": float(np.log2(100) - np.log2(rank))})
    write("exposure.json", cases)


def curve(members, others):
    labels, scores = [1] * len(members) + [0] * len(others), members + others
    fpr, tpr, _ = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    auc = sklearn.metrics.roc_auc_score(labels, scores)
    m, n = len(members), len(others)
    count = (m + n) / 2 - 1

    def excess(area):  # Newcombe 2006, method 5
        spread = area * (1 - area) * (1 + count * (1 - area) / (2 - area) + count * area / (1 + area)) / (m * n)
        return (area - auc) ** 2 - scipy.stats.norm.ppf(0.975) ** 2 * spread

    low = scipy.optimize.brentq(excess, 1e-12, auc - 1e-9) if auc > 0 else 0.0
    high = scipy.optimize.brentq(excess, auc + 1e-9, 1 - 1e-12) if auc < 1 else 1.0
    return {"members": members, "others": others, "auc": auc, "low": low, "high": high,
            "tpr_1": max(tpr[fpr <= 0.01]), "tpr_5": max(tpr[fpr <= 0.05])}


def membership():
    random = np.random.default_rng(5)

    def sample(mean, count):
        return np.round(random.normal(mean, 1, count), 1).tolist()  # rounded: there are ties

    curves = [curve(sample(mean, m), sample(0, n)) for mean, m, n in [(0, 10, 20), (1, 30, 40), (-2, 25, 120), (0.3, 200, 300)]]
    curves += [curve([3.0, 4.0, 5.0], [0.0, 1.0, 2.0, 2.0]), curve([0.0, 0.0], [1.0, 2.0, 3.0])]
    texts = [" 945807.", "The quick brown fox jumps over the lazy dog. " * 3, "a", ""]
    records = []
    for text, count in zip(texts, (8, 30, 1, 4)):
        losses, standardized = np.float32(random.exponential(2, count)), np.float32(random.normal(-1, 2, count))
        size, reference = len(zlib.compress(text.encode())), float(random.exponential(2))
        mean = float(np.mean(losses, dtype=np.float64))

        def least(values, part):
            return float(np.mean(np.sort(np.float64(values))[:max(1, int(part * len(values)))]))

        records.append({"text": text, "losses": losses.tolist(), "standardized": standardized.tolist(), "reference": reference, "zlib_size": size,
                        "scores": {"loss": -mean, "zlib": -mean / size, "min_k": least(-losses, 0.2), "min_k_40": least(-losses, 0.4),
                                   "min_k_plus_plus": least(standardized, 0.2), "reference": reference - mean}})
    write("membership.json", {"curves": curves, "records": records})


def two_samples():
    random = np.random.default_rng(6)
    cases = []
    for shift, m, n in [(0, 10, 20), (1, 40, 40), (5, 10, 12), (3, 200, 200), (0.2, 37, 101), (0, 1, 1), (9, 60, 60)]:
        first, second = random.normal(shift, 1, m).tolist(), random.normal(0, 1, n).tolist()
        test = scipy.stats.ks_2samp(first, second, method="exact")
        cases.append({"first": first, "second": second, "statistic": test.statistic, "p_value": test.pvalue})
    write("two-samples.json", cases)


def rouge():
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    texts = [
        ("The cat sat on the mat.", "the cat was on a mat"), ("one two three", "three two one"), ("", "anything"), ("anything", ""),
        ("A-b c_d 42!", "a b C d 42"), ("no word in common", "12 34"), ("the the the the", "the"), ("Straße K 2", "stra e k 2"),
        ("Basil Mahfouz Al-Kuwaiti, born in Kuwait City on 08/09/1956", "The author born in Kuwait City is Basil Al-Kuwaiti."),
    ]
    cases = []
    for truth, other in texts:
        score = scorer.score(truth, other)["rougeL"]
        cases.append({"truth": truth, "other": other, "recall": score.recall, "precision": score.precision, "f1": score.fmeasure})
    write("rouge.json", cases)


def truth_ratios():
    """As open-unlearning computes them: average losses, the perturbed ones averaged before the exponential."""
    random = np.random.default_rng(7)
    models = {}
    for name in ("edited", "retrained"):
        paraphrase, perturbed = random.exponential(2, 12), random.exponential(2, (12, 5))
        ratio = np.exp(-perturbed.mean(1)) / np.exp(-paraphrase)
        models[name] = {"paraphrase": paraphrase.tolist(), "perturbed": perturbed.tolist(), "ratios": ratio.tolist(), "mean": ratio.mean(),
                        "forget_score": np.minimum(ratio, 1 / ratio).mean(), "utility_score": np.maximum(0, 1 - ratio).mean()}
    test = scipy.stats.ks_2samp(models["edited"]["ratios"], models["retrained"]["ratios"])
    write("truth-ratio.json", {**models, "statistic": test.statistic, "p_value": test.pvalue})


ARC = [
    {"question": "Which gas?", "choices": {"text": ["air", "nitrogen oxide"], "label": ["A", "B"]}, "answerKey": "B"},
    {"question": "Which one is it?", "choices": {"text": ["x", "y", "zz"], "label": ["1", "2", "3"]}, "answerKey": "1"},
    {"question": "Wie heißt es?", "choices": ["Öl", "Oel", "Fett"], "label": 0},
]
MMLU = [
    {"question": " What is 2 + 2? \n", "subject": "abstract_algebra", "choices": ["1", "2", "3", "4"], "answer": 3},
    {"question": "Q?", "choices": ["a", "b", "c", "d"], "answer": "B"},
]
PIQA = [{"goal": "Open a jar", "sol1": "twist it", "sol2": "throw it at a wall", "label": 0}, {"goal": "g", "sol1": "s", "sol2": "t", "label": 1}]
MATHQA = [
    {"Problem": "the sum is ?", "options": "a ) 38 , b ) 27.675 , c ) 30 , d ) 25 , e ) none of these", "correct": "a"},
    {"Problem": "cost ?", "options": "a ) rs . 1,000 , b ) 2 , 3 , c ) 4 (a ) , d ) 5, e ) 6 , 7 , ", "correct": "e"},
]
LAMBADA = [{"text": "he went home to his wife"}, {"text": "two  spaces  here"}]


def questions():
    """Context, choices and the right one's place of every record: the harness's task files."""
    letters = "ABCDE"
    for record in ARC:
        choices = record["choices"]
        labelled = isinstance(choices, dict)
        answer = choices["label"].index(record["answerKey"]) if labelled else record["label"]
        yield "arc", record, f"Question: {record['question']}\nAnswer:", choices["text"] if labelled else choices, answer
    for record in MMLU:
        topic = record.get("subject", "").replace("_", " ")
        head = f"The following are multiple choice questions (with answers) about {topic}.\n\n" if topic else ""
        lines = "".join(f"{letter}. {choice}\n" for letter, choice in zip(letters, record["choices"]))
        answer = record["answer"] if isinstance(record["answer"], int) else letters.index(record["answer"])
        yield "mmlu", record, f"{head}{record['question'].strip()}\n{lines}Answer:", list(letters[:4]), answer
    for record in PIQA:
        yield "piqa", record, f"Question: {record['goal']}\nAnswer:", [record["sol1"], record["sol2"]], record["label"]
    for record in MATHQA:
        choices = [c[4:].rstrip(" ,") for c in re.findall(r"[abcd] \) .*?, |e \) .*?$", record["options"])]
        yield "mathqa", record, f"Question: {record['Problem']}\nAnswer:", choices, "abcde".index(record["correct"])
    for record in LAMBADA:
        yield "lambada", record, " ".join(record["text"].split(" ")[:-1]), [record["text"].split(" ")[-1]], 0


def tasks():
    random = np.random.default_rng(8)
    cases = []
    for shape, record, context, choices, answer in questions():
        draws = []
        for _ in range(4):
            lls = np.round(random.exponential(4, len(choices)) * [-len(c) ** 0.5 for c in choices], 2)
            if len(draws) == 3:
                lls[:] = -1  # all alike: the first is taken
            characters = np.array([float(len(c)) for c in choices])
            size = np.array([float(len(c.encode())) for c in choices])
            draws.append({"log_likelihoods": lls.tolist(), "acc": bool(np.argmax(lls) == answer),
                          "acc_norm": bool(np.argmax(lls / characters) == answer), "acc_bytes": bool(np.argmax(lls / size) == answer)})
        cases.append({"shape": shape, "line": json.dumps(record, ensure_ascii=False), "context": context, "choices": choices,
                      "answer": answer, "draws": draws})
    right = [draw["acc"] for case in cases if case["shape"] != "lambada" for draw in case["draws"]]
    write("tasks.json", {"cases": cases, "acc": np.mean(right), "acc_stderr": error(right),
                         "perplexity": math.exp(-np.mean([d["log_likelihoods"][c["answer"]] for c in cases if c["shape"] != "lambada"
                                                          for d in c["draws"]]))})


def written():
    def longest_repeat(tokens):
        pairs = itertools.combinations(range(len(tokens)), 2)
        return max((sum(1 for _ in itertools.takewhile(lambda k: j + k < len(tokens) and tokens[i + k] == tokens[j + k],
                                                       range(len(tokens)))) for i, j in pairs), default=0)

    random = np.random.default_rng(9)
    prose = "Mr. Sherlock Holmes, who was usually very late in the mornings, save upon those not infrequent occasions when he was up."
    sets = [
        ([random.integers(0, 1000, 40).tolist(), random.integers(0, 3, 25).tolist()], [prose, prose[::-1]]),
        ([[7] * 30, [7] * 12], ["the " * 30, "the " * 12]),
        ([[1, 2, 3, 1, 2, 3, 1], []], ["\ufffd\ufffda\x00\n\ue000", ""]),
        ([[5]], ["x"]),
    ]
    cases = []
    for tokens, texts in sets:
        grams = {n: [tuple(t[i:i + n]) for t in tokens for i in range(len(t) - n + 1)] for n in (1, 2, 3)}
        text = "".join(texts)
        wrong = [c for c in text if c == "\ufffd" or unicodedata.category(c) in ("Cc", "Co", "Cn", "Cs") and not c.isspace()]
        cases.append({
            "tokens": tokens, "texts": texts, **{f"distinct_{n}": len(set(g)) / len(g) if g else None for n, g in grams.items()},
            "longest_repeat": sum(longest_repeat(t) / len(t) for t in tokens if t) / len(tokens),
            "non_text": len(wrong) / max(1, len(text)), "compression": len(text.encode()) / len(zlib.compress(text.encode()))})
    write("written.json", cases)


def extraction():
    random = np.random.default_rng(10)

    def runs(tokens, n):
        return [tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1)]

    cases = []
    for n, size in [(1, 5), (2, 3), (3, 2), (3, 2), (10, 2)]:
        written, rest = random.integers(0, size, 12).tolist(), random.integers(0, size, 20).tolist()
        found = runs(written, n)
        cases.append({"n": n, "written": written, "rest": rest, "overlap": sum(run in runs(rest, n) for run in found) / len(found)})
    cases.append({"n": 4, "written": [1, 2, 3], "rest": [1, 2, 3, 4], "overlap": 0})
    write("extraction.json", cases)


def utility():
    random = np.random.default_rng(11)
    sets = np.round(random.uniform(0.01, 1, (3, 3)), 3)
    paraphrase, perturbed, answer = random.exponential(2, 6), random.exponential(2, (6, 4)), random.exponential(2, 6)
    ratio = np.exp(-perturbed.mean(1)) / np.exp(-paraphrase)
    choice = np.exp(-perturbed.mean(1)) / np.exp(-answer)
    likely = np.exp(-answer)
    write("utility.json", {
        "sets": sets.tolist(), "harmonic_mean": scipy.stats.hmean(sets.reshape(-1)),
        "answer": answer.tolist(), "paraphrase": paraphrase.tolist(), "perturbed": perturbed.tolist(),
        "probability": likely.tolist(), "truth_ratio": np.maximum(0, 1 - ratio).tolist(),
        "choice_probability": (likely / (likely + np.exp(-perturbed).sum(1))).tolist(),
        "choice_truth_ratio": np.maximum(0, 1 - choice).tolist()})


if __name__ == "__main__":
    OUTPUT.mkdir(exist_ok=True)
    pair()
    rounding()
    skew_normal()
    exposure()
    membership()
    two_samples()
    rouge()
    truth_ratios()
    tasks()
    written()
    extraction()
    utility()
