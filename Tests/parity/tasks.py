#!/usr/bin/env python3
"""Compares what excise verify --task counts with lm-evaluation-harness's way in transformers: its templates, its split of context and
continuation, its sums.

    tasks.py EXCISE MODEL --arc F --lambada F [--questions N]

The files are JSON lines of {question, choices, label} and {text}. Exits 1 where a question is answered otherwise by more than Float explains.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM


def records(path, most):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()][:most]


class Harness:
    def __init__(self, path):
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(path + "/tokenizer.json")
        self.length = self.model.config.max_position_embeddings

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def score(self, context, continuation):
        """The continuation's log-likelihood, and whether it is what the model writes."""
        spaces = len(context) - len(context.rstrip())
        if spaces:
            context, continuation = context[:-spaces], context[-spaces:] + continuation
        whole = self.encode(context + continuation)
        known = len(self.encode(context))
        ids = whole[-(self.length + 1):]
        count = len(whole) - known
        with torch.no_grad():
            log_p = torch.log_softmax(self.model(torch.tensor([ids[:-1]])).logits[0, -count:].double(), -1)
        target = torch.tensor(ids[-count:])
        return float(log_p[torch.arange(count), target].sum()), bool((log_p.argmax(-1) == target).all())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("excise")
    parser.add_argument("model")
    parser.add_argument("--arc", required=True)
    parser.add_argument("--lambada", required=True)
    parser.add_argument("--questions", type=int, default=40)
    options = parser.parse_args()
    harness = Harness(options.model)
    arc, lambada = records(options.arc, options.questions), records(options.lambada, options.questions)
    right = {"acc": 0, "acc_norm": 0, "acc_bytes": 0}
    answers = []
    for record in arc:
        context = f"Question: {record['question']}\nAnswer:"
        lls = np.array([harness.score(context, " " + choice)[0] for choice in record["choices"]])
        answers.append(lls[record["label"]])
        for name, length in (("acc", lambda c: 1), ("acc_norm", len), ("acc_bytes", lambda c: len(c.encode()))):
            right[name] += int(np.argmax(lls / np.array([float(length(c)) for c in record["choices"]])) == record["label"])
    words = [harness.score(*record["text"].rsplit(" ", 1)[:1], " " + record["text"].rsplit(" ", 1)[1]) for record in lambada]
    expected = {
        **{f"arc.{name}": count / len(arc) for name, count in right.items()}, "arc.perplexity": math.exp(-np.mean(answers)),
        "lambada.acc": np.mean([greedy for _, greedy in words]), "lambada.perplexity": math.exp(-np.mean([ll for ll, _ in words]))}
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (("arc", arc), ("lambada", lambada)):
            with open(f"{directory}/{name}.jsonl", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(record) + "\n" for record in text)
        with open(f"{directory}/text.jsonl", "w", encoding="utf-8") as file:
            file.write('{"text": "a few words of it"}\n')
        text = f"{directory}/text.jsonl"
        arguments = [options.excise, "verify", options.model, options.model, "--forget", text, "--retain", text, "--prefix", "none", "--json",
                     "--progress", "none", "--task", f"arc={directory}/arc.jsonl", "--task", f"lambada={directory}/lambada.jsonl"]
        tasks = json.loads(subprocess.run(arguments, capture_output=True, text=True).stdout)["metrics"]["tasks"]
    wrong = 0
    for path, value in expected.items():
        task, name = path.split(".")
        found = tasks[task]["base"][name]
        # Where two answers nearly tie, Float may take the other.
        bound = 1.5 / options.questions if name.startswith("acc") else 1e-3 * value
        print(f"{path}: {found:.6g}, expected {value:.6g}")
        wrong += abs(found - value) > bound
    print(f"{len(arc)} questions, {len(lambada)} last words, {wrong} of {len(expected)} figures wrong")
    sys.exit(int(wrong > 0))


if __name__ == "__main__":
    main()
