"""Measures Excise against PyTorch on this machine: tokens a second, forward (perplexity) and forward + backward.

    python throughput.py EXCISE_BINARY MODEL TEXT [--tokens N] [--threads N] [--repeats N]

EXCISE_BINARY may be - to measure PyTorch alone. Both sides take the same windows of 512 tokens (less where the model's
context is shorter) from the start of TEXT, in turns within this one process; the figures are medians over the repeats.
  forward   N tokens: transformers in float32, batches of 4 windows, inference mode; `excise perplexity`
  backward  4 windows: mean loss and every parameter's gradient, no checkpointing; a gradient sweep (Tests/Benchmark)
Excise's time is `seconds` of its report, without it the wall clock of the whole command, start and loading included;
the model PyTorch uses is loaded beforehand. Prints a table; the ratio is Excise's rate over PyTorch's.
"""
import sys

if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # tokenizers.py, beside this script, would hide the package of that name

import argparse
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

BATCH = 4


def run(command):
    """The JSON report of a command and its wall clock."""
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:3]))} ...: exit code {done.returncode}\n{done.stdout}")
    return json.loads(done.stdout), seconds


def excise_forward(options, text, window):
    """Seconds, tokens scored and perplexity."""
    report, wall = run([options.excise, "perplexity", options.model, "--data", text, "--protocol", f"hf-sliding:{window}",
                        "--context", window, "--threads", options.threads, "--progress", "none", "--json"])
    return report.get("seconds", wall), report["tokens"], report["perplexity"]


def excise_backward(options, windows):
    """Seconds and tokens of a gradient sweep over as many tokens, by the program that is built beside the command."""
    benchmark = Path(options.excise).parent / "benchmark"
    report, _ = run([benchmark, options.model, len(windows), len(windows[0]), options.threads])
    return report["seconds"], report["tokens"]


def batches(windows):
    """Up to BATCH windows of one length at a time."""
    full = [w for w in windows if len(w) == len(windows[0])]
    for i in range(0, len(full), BATCH):
        yield torch.tensor(full[i:i + BATCH])
    for rest in windows[len(full):]:
        yield torch.tensor([rest])


def losses(model, batch, reduction):
    logits = model(batch, use_cache=False).logits[:, :-1]
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), batch[:, 1:].reshape(-1), reduction=reduction)


@torch.inference_mode()
def torch_forward(model, windows):
    start = time.perf_counter()
    nll, tokens = 0.0, 0
    for batch in batches(windows):
        each = losses(model, batch, "none")
        nll += each.double().sum().item()
        tokens += each.numel()
    return time.perf_counter() - start, tokens, math.exp(nll / tokens)


def torch_backward(model, windows):
    model.zero_grad(set_to_none=True)
    start = time.perf_counter()
    for batch in batches(windows):
        losses(model, batch, "mean").backward()
    return time.perf_counter() - start, sum(map(len, windows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("excise")
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    disable_progress_bar()

    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    window = min(512, model.config.max_position_embeddings)
    text = options.text.read_bytes().decode()
    # A few bytes a token suffice; a character offset then cuts the text after N tokens.
    encoding = tokenizer.encode(text[:options.tokens * 12])
    text = text[:encoding.offsets[min(options.tokens, len(encoding.ids)) - 1][1]]
    ids = tokenizer.encode(text).ids
    windows = [ids[i:i + window] for i in range(0, len(ids), window) if len(ids) - i > 1]
    few = windows[:BATCH]

    times = {}
    perplexities = {}

    def note(what, who, seconds, tokens, perplexity=None):
        times.setdefault((what, who), []).append(tokens / seconds)
        perplexities[who] = perplexity or perplexities.get(who)

    with tempfile.TemporaryDirectory() as scratch:
        part = Path(scratch, "text.txt")
        part.write_bytes(text.encode())
        torch_forward(model, few)  # the first call of a process pays for set-up
        for _ in range(options.repeats):
            note("forward", "torch", *torch_forward(model, windows))
            if options.excise != "-":
                note("forward", "excise", *excise_forward(options, part, window))
            note("backward", "torch", *torch_backward(model, few))
            if options.excise != "-":
                note("backward", "excise", *excise_backward(options, few))

    print(f"{options.model}: {len(ids)} tokens forward, {sum(map(len, few))} backward, windows of {window}, "
          f"{options.threads} threads, medians of {options.repeats}")
    print(f"{'':<10}{'torch tok/s':>14}{'excise tok/s':>14}{'ratio':>8}   all runs")
    for what in ("forward", "backward"):
        medians = [statistics.median(times.get((what, who), [math.nan])) for who in ("torch", "excise")]
        runs = "; ".join(f"{who} " + " ".join(f"{rate:.0f}" for rate in times[what, who])
                         for who in ("torch", "excise") if (what, who) in times)
        print(f"{what:<10}{medians[0]:>14.1f}{medians[1]:>14.1f}{medians[1] / medians[0]:>8.2f}   {runs}")
    print("perplexity " + ", ".join(f"{who} {value:.6f}" for who, value in perplexities.items()))
    if "excise" in perplexities and abs(perplexities["excise"] / perplexities["torch"] - 1) > 1e-3:
        sys.exit("the two sides did not do the same work: their perplexities differ")


if __name__ == "__main__":
    main()
