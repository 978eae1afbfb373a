"""Makes the pico checkpoints the tests compare against, and their references from Hugging Face transformers.

    python make_pico_models.py [OUTPUT_DIR]      (default: the directory of this script; needs torch and transformers)

Each <name>/ gets config.json, the weights in safetensors as transformers writes them, and reference.safetensors:
tokens (I64 [T]), logits (F32 [T, V]), loss (F32 [T-1], per token) and grad/<tensor> (F32), the gradient of the mean loss.
Some also get examples.safetensors: for example<i>, tokens, scored (U8 [T-1], the predictions that count), loss (F32 [1],
the mean over those) and grad/<tensor>. All of it is computed in float32 from the weights as stored. Seeds are fixed.
"""
import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig
from transformers.utils.logging import disable_progress_bar

LLAMA = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=48, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True)
GPT2 = dict(n_embd=24, n_layer=2, n_head=3, n_positions=32, bos_token_id=0, eos_token_id=0)


def rope(theta):
    return dict(rope_parameters={"rope_type": "default", "rope_theta": theta})


# name, configuration, tokens, stored dtype, style of config.json, bytes a shard, examples as well
VARIANTS = [
    ("llama-tied-gqa", LlamaConfig(**LLAMA, vocab_size=61, **rope(10000.0)), 19, "float32", "old", None, True),
    ("llama-untied-biases",
     LlamaConfig(**LLAMA | dict(num_key_value_heads=4, tie_word_embeddings=False, attention_bias=True, mlp_bias=True,
                                rms_norm_eps=1e-6), vocab_size=67, **rope(10000.0)), 17, "float32", "new", None, False),
    ("llama-mqa-head-dim",
     LlamaConfig(**LLAMA | dict(hidden_size=30, intermediate_size=44, num_attention_heads=3, num_key_value_heads=1,
                                head_dim=8), vocab_size=71, **rope(1e6)), 23, "float32", "new", None, False),
    ("llama-bf16",
     LlamaConfig(**LLAMA | dict(hidden_size=32, intermediate_size=56, num_hidden_layers=1), vocab_size=73,
                 **rope(10000.0)), 20, "bfloat16", "new", None, False),
    ("llama-sharded",
     LlamaConfig(**LLAMA | dict(num_hidden_layers=3, tie_word_embeddings=False), vocab_size=79, **rope(500000.0)),
     18, "float32", "old", 28_000, False),
    ("gpt2-tied", GPT2Config(**GPT2, vocab_size=97), 21, "float32", "old", None, False),
    ("gpt2-untied-f16",
     GPT2Config(**GPT2 | dict(n_head=4, n_inner=56), vocab_size=89, tie_word_embeddings=False,
                scale_attn_by_inverse_layer_idx=True), 22, "float16", "new", None, False),
    ("gpt2-full-context", GPT2Config(**GPT2 | dict(n_head=2, n_inner=36, n_positions=24), vocab_size=61), 24, "float32",
     "new", None, True),
]
# An example's length and how many of its last predictions count.
EXAMPLES = [(7, 6), (13, 4), (4, 3), (19, 18), (22, 1), (16, 7)]


def make(config, dtype, random):
    """A model whose logits are far from flat, so that a missing term or a wrong sign shows; weights are exact in dtype."""
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.empty_like(parameter).normal_(generator=random)
            if name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_(0.2 * noise)
            parameter.copy_(parameter.to(dtype))
    return model


def gradients(model, tokens, scored):
    """Logits, per-token losses, and the gradient of the mean of the scored losses by parameter name."""
    model.zero_grad()
    logits = model(tokens[None], use_cache=False).logits[0]
    losses = cross_entropy(logits[:-1], tokens[1:], reduction="none")
    mean = losses[scored].mean()
    mean.backward()
    grads = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    return logits.detach(), losses.detach(), mean.detach(), grads


def draw(config, length, random):
    return torch.randint(0, config.vocab_size, (length,), generator=random)


def rewrite_config(path, style):
    """Writes config.json as releases before 5 did ("old"), or as this one does."""
    config = json.loads(path.read_text())
    if style == "old":
        config["torch_dtype"] = config.pop("dtype")
        config.pop("transformers_version", None)
        config.pop("head_dim", None)
        if "rope_parameters" in config:
            config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
            config["rope_scaling"] = None
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def stored_names(folder):
    names = []
    for file in sorted(folder.glob("model*.safetensors")):
        with safe_open(file, "pt") as tensors:
            names += tensors.keys()
    return names


def main():
    disable_progress_bar()
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    print(f"{'name':<22}{'parameters':>10}{'tensors':>8}{'shards':>7}  {'stored':<9}{'config':<7}"
          f"{'T':>3}{'V':>4}{'loss':>8}{'logit sd':>9}{'bytes':>9}")
    total = 0
    for seed, (name, config, length, dtype, style, shard, with_examples) in enumerate(VARIANTS):
        random = torch.Generator().manual_seed(1000 + seed)
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stored = getattr(torch, dtype)
        model = make(config, stored, random)
        tokens = draw(config, length, random)
        logits, losses, mean, grads = gradients(model, tokens, torch.ones(length - 1, dtype=torch.bool))
        save_file({"tokens": tokens, "logits": logits, "loss": losses} | {f"grad/{n}": g for n, g in grads.items()},
                  folder / "reference.safetensors")
        if with_examples:
            out = {}
            for i, (size, counted) in enumerate(EXAMPLES):
                tokens_i = draw(config, size, random)
                scored = torch.arange(size - 1) >= size - 1 - counted
                _, _, loss, example_grads = gradients(model, tokens_i, scored)
                out |= {f"example{i}/tokens": tokens_i, f"example{i}/scored": scored.to(torch.uint8),
                        f"example{i}/loss": loss[None]}
                out |= {f"example{i}/grad/{n}": g for n, g in example_grads.items()}
            save_file(out, folder / "examples.safetensors")

        model.to(stored).save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
        (folder / "generation_config.json").unlink()
        rewrite_config(folder / "config.json", style)

        again = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        with torch.no_grad():
            assert torch.equal(again(tokens[None]).logits[0], logits), f"{name}: reloaded, the logits differ"
        assert sorted(stored_names(folder)) == sorted(grads), f"{name}: stored tensors and gradients do not match"
        assert all(g.abs().max() > 0 for g in grads.values()), f"{name}: a gradient is all zero"
        shards = len(list(folder.glob("model*.safetensors")))
        assert (2 <= shards <= 3) if shard else shards == 1, f"{name}: {shards} shards"
        for file in folder.iterdir():
            file.chmod(0o644)
        size = sum(file.stat().st_size for file in folder.iterdir())
        total += size
        print(f"{name:<22}{sum(g.numel() for g in grads.values()):>10}{len(grads):>8}{shards:>7}  {dtype:<9}{style:<7}"
              f"{length:>3}{config.vocab_size:>4}{mean:>8.3f}{logits.std():>9.2f}{size:>9}")
    print(f"{total} bytes in all")
    assert total < 1_500_000


if __name__ == "__main__":
    main()
