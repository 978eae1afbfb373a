"""Measures an edit by Excise against the published practice's Fisher: oBERT's recursion over blocks of 50 entries (arXiv 2203.07259, equation
4, as its reference code runs it in PyTorch), on the same model, retain text, samples and machine.

    python published.py EXCISE_BINARY MODEL TEXT --forget JSONL --holdout JSONL [--samples 1024] [--measured 8] [--tokens 128] [--options ...]

The recursion keeps B numbers for every parameter in memory and reads and writes all of them once a sample: of SmolLM2 more than this
machine has. So it is run on the parameters of one layer, for --measured samples, and scaled by parameters and samples, which is what it is
proportional to; the gradients are taken from all parameters. Its times are lower bounds: there is no step, no search and no second round.
Excise's edit is the default one, from the plan to the written file, with as many samples of as many tokens.
"""
import sys

if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # tokenizers.py, beside this script, would hide the package of that name

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

BLOCK, DAMPING = 50, 1e-7


class BlockRecursion:
    """F^-1 of (damping I + 1/m sum g g^T) block by block, one rank-one update a sample."""

    def __init__(self, parameters, samples):
        self.parameters = parameters
        self.samples = samples
        count = sum(p.numel() for p in parameters)
        self.blocks = -(-count // BLOCK)
        self.padding = self.blocks * BLOCK - count
        self.inverse = torch.eye(BLOCK).repeat(self.blocks, 1, 1) / DAMPING

    def add(self):
        gradient = torch.cat([p.grad.reshape(-1) for p in self.parameters] + [torch.zeros(self.padding)]).reshape(self.blocks, BLOCK)
        product = torch.einsum("bij,bj->bi", self.inverse, gradient)
        scale = (self.samples + torch.einsum("bi,bi->b", gradient, product)).sqrt().unsqueeze(1)
        product /= scale
        self.inverse.baddbmm_(product.unsqueeze(2), product.unsqueeze(1), alpha=-1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("excise")
    arguments.add_argument("model", type=pathlib.Path)
    arguments.add_argument("text", type=pathlib.Path)
    arguments.add_argument("--forget", required=True)
    arguments.add_argument("--holdout", required=True)
    arguments.add_argument("--samples", type=int, default=1024)
    arguments.add_argument("--measured", type=int, default=8)
    arguments.add_argument("--tokens", type=int, default=128)
    arguments.add_argument("--memory", default="1GiB")
    arguments.add_argument("--options", default="", help="of edit, such as '--curvature diagonal'")
    options = arguments.parse_args()
    disable_progress_bar()
    torch.set_num_threads(2)

    ids = Tokenizer.from_file(str(options.model / "tokenizer.json")).encode(options.text.read_text()[:400_000]).ids
    windows = torch.tensor(ids[:options.measured * options.tokens]).reshape(options.measured, options.tokens)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    model.eval()
    parameters = list(model.parameters())
    layer = list(model.model.layers[0].parameters())
    recursion = BlockRecursion(layer, options.samples)
    share = sum(p.numel() for p in parameters) / sum(p.numel() for p in layer)
    gradients, updates = [], []
    for window in windows:
        start = time.perf_counter()
        model.zero_grad()
        model(window[None], labels=window[None]).loss.backward()
        middle = time.perf_counter()
        recursion.add()
        gradients.append(middle - start)
        updates.append(time.perf_counter() - middle)
    gradient, update = statistics.median(gradients), share * statistics.median(updates)
    seconds = options.samples * (gradient + update)
    memory = 4 * (BLOCK + 2) * sum(p.numel() for p in parameters)
    print(f"published: {gradient:.2f} s a gradient, {update:.2f} s an update of all blocks; {options.samples} samples: {seconds:.0f} s, "
          f"{memory / 2**30:.1f} GiB (weights, gradient, inverse)")

    with tempfile.TemporaryDirectory() as scratch:
        command = [options.excise, "edit", options.model, "--forget", options.forget, "--holdout", options.holdout, "--retain", options.text,
                   "--output", f"{scratch}/edited", "--samples", options.samples, "--sample-tokens", options.tokens, "--memory", options.memory,
                   "--best-effort", "--json", *options.options.split()]
        begun = {}
        with open(f"{scratch}/report", "w+") as output:
            with subprocess.Popen([str(word) for word in command], stdout=output, stderr=subprocess.PIPE, text=True) as process:
                line = ""
                for line in process.stderr:  # each piece of work as it begins
                    begun.setdefault(" ".join(line.split()[:2]), time.perf_counter())
            if process.returncode not in (0, 1):
                raise SystemExit(f"excise ended with {process.returncode}: {line}")
            output.seek(0)
            report = json.load(output)
    ours, peak = report["work"]["seconds"], report["memory"]["measured_peak_bytes"]
    fisher = begun["the losses"] - begun["Fisher of"]
    print(f"excise:    {fisher:.0f} s for its Fisher; {ours:.0f} s in all, {peak / 2**30:.2f} GiB, {len(report['rounds'])} rounds, "
          f"{report['ending']}")
    print(f"ratio:     Fisher to Fisher {seconds / fisher:.1f} times as fast, the whole edit {seconds / ours:.1f}; {memory / peak:.1f} times as small")


main()
