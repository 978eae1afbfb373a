"""Compares `excise perplexity` with transformers in float32, under hf-sliding:STRIDE and lm-eval-rolling.

    python perplexity.py EXCISE_BINARY MODEL TEXT [--bytes N] [--context L] [--stride S] [--protocol P ...] [--threads N]

EXCISE_BINARY may be - to print the reference alone. L is 2048 or the model's own limit, whichever is less. The ids are
those of the `tokenizers` library on MODEL/tokenizer.json: AutoTokenizer of transformers 5 may rebuild another tokenizer.

hf-sliding:S     windows start at 0, S, 2S, ... and hold up to L tokens; the last is the first to reach the end. A window
                 scores what no earlier one covered, except its own first token: so the first token of the corpus is never
                 scored, and with S = L neither is the first of any window. Special tokens as the tokenizer adds them.
lm-eval-rolling  a prefix token (BOS, else EOS), then disjoint runs of L predictions, each after one token of context;
                 the last, partial run gets as much context as fits L. No special tokens but the prefix.

Perplexity is exp(nll / tokens), nll the sum over scored tokens (in float64, of float32 losses), tokens their number.
(The example in the documentation of transformers weights an overlapping window by one token too few.)
Exits 1 unless tokens agree exactly and nll and perplexity to four significant digits.
"""
import sys

if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # tokenizers.py, beside this script, would hide the package of that name

import argparse
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar


def sliding_windows(ids, context, stride):
    """Pairs of a window and how many of its last predictions count."""
    done = 0
    for begin in range(0, len(ids), stride):
        end = min(begin + context, len(ids))
        yield ids[begin:end], min(end - done, end - begin - 1)
        done = end
        if end == len(ids):
            return


def rolling_windows(ids, context, prefix):
    done = 0
    while done < len(ids):
        count = min(context, len(ids) - done)
        end = done + count
        # A window is `context` inputs and the one token more that only gets predicted.
        yield ([prefix] + ids[:end] if done == 0 else ids[max(0, end - context - 1):end]), count
        done = end


def prefix_token(model_dir, tokenizer, config):
    path = model_dir / "tokenizer_config.json"
    settings = json.loads(path.read_text()) if path.exists() else {}
    for kind in ("bos_token", "eos_token"):
        token = settings.get(kind)
        token = token["content"] if isinstance(token, dict) else token
        for found in (tokenizer.token_to_id(token) if token else None, getattr(config, kind + "_id", None)):
            if found is not None:
                return found[0] if isinstance(found, list) else found
    sys.exit("the model names neither a BOS nor an EOS token")


@torch.inference_mode()
def score(model, windows):
    nll, tokens = 0.0, 0
    for window, count in windows:
        if count < 1:
            continue
        window = torch.tensor(window)
        logits = model(window[None, :-1], use_cache=False, logits_to_keep=count).logits[0]
        nll += cross_entropy(logits.float(), window[-count:], reduction="none").double().sum().item()
        tokens += count
    return nll, tokens


def excise(binary, model, text, protocol, context, threads):
    command = [binary, "perplexity", model, "--data", text, "--protocol", protocol, "--context", str(context),
               "--threads", str(threads), "--progress", "none", "--json"]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stdout}")
    report = json.loads(run.stdout)
    return report["nll"], report["tokens"], report["perplexity"]


def agree(a, b):
    return abs(a - b) <= 5e-5 * abs(b)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("excise")
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--bytes", type=int, help="use the first N bytes of TEXT only")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--stride", type=int, default=512)
    parser.add_argument("--protocol", nargs="+", help="default: hf-sliding:STRIDE and lm-eval-rolling")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    disable_progress_bar()

    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    context = min(options.context, model.config.max_position_embeddings)
    text = options.text.read_bytes()[:options.bytes].decode(errors="ignore")

    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        part = Path(scratch, "text.txt")
        part.write_bytes(text.encode())
        for protocol in options.protocol or [f"hf-sliding:{min(options.stride, context)}", "lm-eval-rolling"]:
            if protocol == "lm-eval-rolling":
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                windows = rolling_windows(ids, context, prefix_token(options.model, tokenizer, model.config))
            elif protocol.startswith("hf-sliding:"):
                windows = sliding_windows(tokenizer.encode(text).ids, context, int(protocol.split(":")[1]))
            else:
                sys.exit(f"no reference for the protocol {protocol}")
            start = time.perf_counter()
            nll, tokens = score(model, windows)
            perplexity = math.exp(nll / tokens)
            print(f"{protocol}, context {context}, {len(text.encode())} bytes ({time.perf_counter() - start:.0f} s)")
            print(f"  transformers  nll {nll:.6f}  tokens {tokens}  perplexity {perplexity:.8g}", flush=True)
            if options.excise != "-":
                ours = excise(options.excise, str(options.model), str(part), protocol, context, options.threads)
                same = ours[1] == tokens and agree(ours[0], nll) and agree(ours[2], perplexity)
                failed |= not same
                print(f"  excise        nll {ours[0]:.6f}  tokens {ours[1]}  perplexity {ours[2]:.8g}  "
                      + ("agrees" if same else "DIFFERS"), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
