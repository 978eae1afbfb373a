#!/usr/bin/env python3
"""Compares what excise verify measures of two models with transformers in Double, NumPy and scikit-learn, end to end.

    verify.py EXCISE BASE EDITED --forget F --retain F --holdout F

The texts are JSON lines of {text}, or {prompt, completion}, scored after token 0. Exits 1 where a figure is further off than Float explains.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM


def records(path, most):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()][:most]


class Side:
    """One model's log-probabilities of the scored tokens of every record."""

    def __init__(self, path, tokenizer, context):
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float64).eval()
        self.tokenizer, self.context = tokenizer, context

    def score(self, record):
        encode = lambda text: self.tokenizer.encode(text, add_special_tokens=False).ids
        prompt = encode(record["prompt"]) if "prompt" in record else []
        ids = [0] + prompt + encode(record.get("completion") or record["text"])
        assert len(ids) <= self.context, "a record of several windows"
        first = 1 + len(prompt)
        with torch.no_grad():
            log_p = torch.log_softmax(self.model(torch.tensor([ids])).logits[0], -1)[first - 1:-1].numpy()
        return log_p, np.array(ids[first:])


def figures(base, edited, texts):
    result = {}
    member_scores = {}
    for role, text in texts.items():
        kl, change, losses, top = [], [], ([], []), []
        for record in text:
            (p, ids), (q, _) = base.score(record), edited.score(record)
            rows = np.arange(len(ids))
            kl += (np.exp(p) * (p - q)).sum(-1).tolist()
            top += (p.argmax(-1) == q.argmax(-1)).tolist()
            change += (np.exp(q[rows, ids]) - np.exp(p[rows, ids])).tolist()
            size = len(zlib.compress((record.get("completion") or record["text"]).encode()))
            for index, log_p in enumerate((p, q)):
                true = log_p[rows, ids]
                losses[index].append(-true)
                mean = (np.exp(log_p) * log_p).sum(-1)
                deviation = np.sqrt((np.exp(log_p) * log_p**2).sum(-1) - mean**2)
                least = lambda values, part: np.sort(values)[:max(1, int(part * len(values)))].mean()
                scores = {"loss": true.mean(), "zlib": true.mean() / size, "min_k": least(true, 0.2), "min_k_40": least(true, 0.4),
                          "min_k_plus_plus": least((true - mean) / deviation, 0.2)}
                for name, score in scores.items():
                    member_scores.setdefault((name, index), {}).setdefault(role, []).append(score)
        for side, values in zip(("base", "edited"), losses):
            result[f"{role}.{side}.nll_per_token"] = np.concatenate(values).mean()
        result[f"{role}.kl_divergence.mean"] = np.mean(kl)
        for name, place in (("median", 50), ("p99", 99)):
            result[f"{role}.kl_divergence.{name}"] = np.percentile(kl, place)
        result[f"{role}.top1_agreement"] = np.mean(top)
        result[f"{role}.probability_change.mean"] = np.mean(change)
        result[f"{role}.probability_change.rms"] = np.sqrt(np.mean(np.square(change)))
    for (name, index), scores in member_scores.items():
        labels = [1] * len(scores["forget"]) + [0] * len(scores["holdout"])
        result[f"metrics.membership.{name}.{('base', 'edited')[index]}.auc"] = roc_auc_score(labels, scores["forget"] + scores["holdout"])
    return result


def main():
    parser = argparse.ArgumentParser()
    for name in ("excise", "base", "edited"):
        parser.add_argument(name)
    for name in ("--forget", "--retain", "--holdout"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(options.base + "/tokenizer.json")
    context = json.load(open(options.base + "/config.json"))["max_position_embeddings"]
    fits = lambda record: 1 + len(tokenizer.encode(record.get("prompt", "") + (record.get("completion") or record["text"])).ids) <= context
    texts = {role: [r for r in records(getattr(options, role), 60) if fits(r)] for role in ("forget", "retain", "holdout")}
    expected = figures(Side(options.base, tokenizer, context), Side(options.edited, tokenizer, context), texts)
    with tempfile.TemporaryDirectory() as directory:
        arguments = [options.excise, "verify", options.base, options.edited, "--prefix", "0", "--json", "--progress", "none"]
        for role, text in texts.items():
            path = f"{directory}/{role}.jsonl"
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(record) + "\n" for record in text)
            arguments += ["--" + role, path]
        report = json.loads(subprocess.run(arguments, capture_output=True, text=True).stdout)
    wrong = 0
    for path, value in expected.items():
        found = report
        for name in path.split("."):
            found = found[name]
        # Float sums over the vocabulary and the layers; where two scores nearly tie, one pair of records may change places.
        bound = 0.011 if path.endswith("auc") else 1e-3 if path.endswith("agreement") else 1e-6 + 1e-4 * abs(value)
        if abs(found - value) > bound:
            print(f"{path}: found {found}, expected {value}")
            wrong += 1
    print(f"{len(expected)} figures of {sum(map(len, texts.values()))} records, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
