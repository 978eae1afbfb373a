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
from transformers import (AutoModelForCausalLM, BloomConfig, FalconConfig, Gemma2Config, Gemma3TextConfig, GemmaConfig, GPT2Config,
                          GPTNeoConfig, GPTNeoXConfig, GraniteConfig, LlamaConfig, MistralConfig, MixtralConfig, Olmo2Config, OlmoConfig,
                          OlmoeConfig, OPTConfig, Phi3Config, PhiConfig, Qwen2Config, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig,
                          SmolLM3Config, StableLmConfig)
from transformers.utils.logging import disable_progress_bar

LLAMA = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=48, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True)
GPT2 = dict(n_embd=24, n_layer=2, n_head=3, n_positions=32, bos_token_id=0, eos_token_id=0)


def rope(theta, kind="default", **parameters):
    return dict(rope_parameters={"rope_type": kind, "rope_theta": theta} | parameters)


# The families that take Llama's sizes, one small layer each where the family's traits need no second.
SMALL = dict(vocab_size=61, hidden_size=24, intermediate_size=28, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=32, pad_token_id=None, bos_token_id=1, eos_token_id=2)
NEOX = {name: value for name, value in SMALL.items() if name != "num_key_value_heads"}
OPT = dict(vocab_size=61, hidden_size=24, ffn_dim=28, num_hidden_layers=2, num_attention_heads=3, max_position_embeddings=24,
           pad_token_id=None, bos_token_id=1, eos_token_id=2)
FALCON = dict(vocab_size=61, hidden_size=24, ffn_hidden_size=28, num_hidden_layers=1, num_attention_heads=6, max_position_embeddings=32)
SLIDING = ["sliding_attention", "full_attention"]


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
    ("llama-linear", LlamaConfig(**SMALL, **rope(10000.0, "linear", factor=2.5)), 20, "float32", "old", None, False),
    ("llama-dynamic", LlamaConfig(**SMALL, **rope(10000.0, "dynamic", factor=2.0)), 32, "float32", "new", None, False),
    ("llama-llama3",
     LlamaConfig(**SMALL | dict(hidden_size=32), **rope(500000.0, "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                                        original_max_position_embeddings=16)), 31, "float32", "old", None, False),
    ("llama-yarn", LlamaConfig(**SMALL | dict(hidden_size=32), **rope(10000.0, "yarn", factor=4.0, original_max_position_embeddings=8)),
     32, "float32", "oldest", None, False),
    ("mistral-window", MistralConfig(**SMALL | dict(num_hidden_layers=2), head_dim=10, sliding_window=5, **rope(1e6)), 21, "float32",
     "old", None, False),
    ("qwen2-layer-types",
     Qwen2Config(**SMALL | dict(num_hidden_layers=3), use_sliding_window=True, sliding_window=4, max_window_layers=0, **rope(1e6),
                 layer_types=["full_attention", "sliding_attention", "full_attention"]), 19, "float32", "new", None, False),
    ("qwen2-first-layers", Qwen2Config(**SMALL | dict(num_hidden_layers=2), use_sliding_window=True, sliding_window=6,
                                       max_window_layers=1, **rope(1e6)), 18, "bfloat16", "old", None, False),
    ("qwen3-head-norms", Qwen3Config(**SMALL, head_dim=8, **rope(1e6)), 22, "float32", "new", None, False),
    ("smollm3-unturned-layers", SmolLM3Config(**SMALL | dict(num_hidden_layers=3), no_rope_layer_interval=2, **rope(5e6)), 20, "float32",
     "old", None, False),
    ("gemma-multi-query", GemmaConfig(**SMALL | dict(num_attention_heads=3, num_key_value_heads=1), head_dim=10, **rope(10000.0)), 23,
     "float32", "old", None, False),
    ("gemma2-softcaps",
     Gemma2Config(**SMALL | dict(num_hidden_layers=2), head_dim=8, query_pre_attn_scalar=12, sliding_window=5,
                  attn_logit_softcapping=2.0, final_logit_softcapping=5.0, **rope(10000.0)), 24, "float32", "old", None, True),
    ("gemma3-two-bases",
     Gemma3TextConfig(**SMALL | dict(num_hidden_layers=3), head_dim=8, query_pre_attn_scalar=8, sliding_window=5, layer_types=SLIDING + SLIDING[:1],
                      rope_parameters={"full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                                       "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}), 22, "float32", "new", None, False),
    ("granite-multipliers",
     GraniteConfig(**SMALL | dict(num_hidden_layers=2), embedding_multiplier=6.0, residual_multiplier=0.3, attention_multiplier=0.25,
                   logits_scaling=3.0, **rope(10000.0)), 19, "float32", "new", None, False),
    ("olmo-clipped", OlmoConfig(**SMALL, clip_qkv=0.8, **rope(10000.0)), 21, "float32", "new", None, False),
    ("olmo2-output-norms", Olmo2Config(**SMALL | dict(num_hidden_layers=2), **rope(500000.0)), 20, "float32", "new", None, False),
    ("stablelm-parallel",
     StableLmConfig(**SMALL | dict(hidden_size=32), use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True,
                    **rope(10000.0, partial_rotary_factor=0.25)), 21, "float32", "old", None, False),
    ("stablelm-sequential", StableLmConfig(**SMALL | dict(hidden_size=32), **rope(10000.0, partial_rotary_factor=0.5)), 20, "float32",
     "new", None, False),
    ("phi-head-norms", PhiConfig(**SMALL | dict(num_key_value_heads=4, hidden_size=32), qk_layernorm=True,
                                 **rope(10000.0, partial_rotary_factor=0.5)), 18, "float32", "old", None, False),
    ("phi-2", PhiConfig(**NEOX | dict(num_attention_heads=2, hidden_size=20), **rope(10000.0, partial_rotary_factor=0.4)), 23,
     "float16", "new", None, False),
    ("phi3-long",
     Phi3Config(**SMALL, original_max_position_embeddings=12, **rope(10000.0, "longrope", short_factor=[1.0, 1.1, 1.2],
                                                                     long_factor=[1.0, 2.5, 6.0])), 25, "float32", "old", None, False),
    ("phi3-short",
     Phi3Config(**SMALL, original_max_position_embeddings=24, sliding_window=7,
                **rope(10000.0, "longrope", short_factor=[1.0, 1.1, 1.2], long_factor=[1.0, 2.5, 6.0])), 20, "float32", "new", None, False),
    ("gpt-neox-parallel", GPTNeoXConfig(**NEOX | dict(num_hidden_layers=2, hidden_size=32), **rope(10000.0, partial_rotary_factor=0.25)),
     22, "float32", "old", None, True),
    ("gpt-neox-sequential",
     GPTNeoXConfig(**NEOX | dict(num_attention_heads=3), use_parallel_residual=False, attention_bias=False,
                   **rope(10000.0, partial_rotary_factor=0.5)), 32, "float32", "new", None, False),
    ("gpt2-unscaled", GPT2Config(**GPT2 | dict(n_layer=1), vocab_size=61, scale_attn_weights=False, reorder_and_upcast_attn=True), 19,
     "float32", "new", None, False),
    ("gpt-neo-local",
     GPTNeoConfig(vocab_size=61, hidden_size=24, num_layers=2, num_heads=3, attention_types=[[["global", "local"], 1]], window_size=5,
                  intermediate_size=28, max_position_embeddings=32, bos_token_id=0, eos_token_id=0), 21, "float32", "new", None, False),
    ("opt-pre-norm", OPTConfig(**OPT), 24, "float32", "new", None, False),
    ("opt-post-norm", OPTConfig(**OPT, do_layer_norm_before=False, word_embed_proj_dim=14, enable_bias=False), 19, "float32", "new", None,
     False),
    ("falcon-grouped", FalconConfig(**FALCON, new_decoder_architecture=True, num_kv_heads=2, **rope(10000.0)), 20, "float32", "old", None,
     False),
    ("falcon-multi-query", FalconConfig(**FALCON, **rope(10000.0)), 22, "float32", "new", None, False),
    ("falcon-linear-biases",
     FalconConfig(**FALCON | dict(num_attention_heads=5, hidden_size=30), alibi=True, multi_query=False, parallel_attn=False, bias=True, **rope(10000.0)), 23,
     "float32", "new", None, False),
    ("bloom-five-heads", BloomConfig(vocab_size=61, hidden_size=20, n_layer=1, n_head=5, seq_length=32), 21, "float32", "new", None, False),
    ("mixtral-window", MixtralConfig(**SMALL | dict(num_hidden_layers=2), head_dim=10, sliding_window=5, num_local_experts=4, **rope(1e6)), 24,
     "float32", "old", None, False),
    ("mixtral-every-expert", MixtralConfig(**SMALL, num_local_experts=3, num_experts_per_tok=3, **rope(1e6)), 17, "bfloat16", "new", None, False),
    ("qwen2-moe-shared", Qwen2MoeConfig(**SMALL | dict(num_hidden_layers=2), num_experts=5, num_experts_per_tok=2, moe_intermediate_size=10,
                                        shared_expert_intermediate_size=36, mlp_only_layers=[1], use_sliding_window=True, sliding_window=4,
                                        max_window_layers=1, **rope(1e6)), 23, "float32", "old", None, True),
    ("qwen2-moe-steps", Qwen2MoeConfig(**SMALL | dict(num_hidden_layers=2), num_experts=3, num_experts_per_tok=2, moe_intermediate_size=12,
                                       shared_expert_intermediate_size=8, decoder_sparse_step=2, norm_topk_prob=True, qkv_bias=False,
                                       **rope(1e6)), 20, "float16", "new", None, False),
    ("qwen3-moe-dense-first", Qwen3MoeConfig(**SMALL | dict(num_hidden_layers=2), head_dim=8, num_experts=6, num_experts_per_tok=2,
                                             moe_intermediate_size=12, mlp_only_layers=[0], norm_topk_prob=True, **rope(1e6)), 25, "float32",
     "new", None, False),
    ("olmoe-one-of-four", OlmoeConfig(**SMALL, clip_qkv=0.8, num_experts=4, num_experts_per_tok=1, **rope(10000.0)), 24, "float32", "old",
     None, False),
]
# An example's length and how many of its last predictions count.
EXAMPLES = [(7, 6), (13, 4), (4, 3), (19, 18), (22, 1), (16, 7)]


def make(config, dtype, random):
    """A model whose logits are far from flat, so that a missing term or a wrong sign shows; weights are exact in dtype."""
    model = AutoModelForCausalLM.from_config(config, **plain(config), dtype=torch.float32).eval()
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


def plain(config):
    """The plainest of the implementations. Falcon's eager attention of transformers 5 adds its linear biases twice."""
    return dict(attn_implementation="sdpa" if config.model_type == "falcon" else "eager", experts_implementation="eager")


def apart(model):
    """The name in a file, the values and the gradient of every parameter: experts, which memory holds fused, each by itself."""
    kind = model.config.model_type
    block, names = ("block_sparse_moe", ["w1", "w3", "w2"]) if kind == "mixtral" else ("mlp", ["gate_proj", "up_proj", "down_proj"])
    for name, parameter in model.named_parameters():
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
        layer, _, role = name.partition(".mlp.experts.")
        if role:
            parts = names[:2] if role == "gate_up_proj" else names[2:]
            for expert, pair in enumerate(zip(parameter.detach(), gradient)):
                for part, values, slopes in zip(parts, *(tensor.chunk(len(parts)) for tensor in pair)):
                    yield f"{layer}.{block}.experts.{expert}.{part}.weight", values.clone(), slopes.clone()
        elif name == "lm_head.weight" and kind == "gpt_neox":
            yield "embed_out.weight", parameter.detach(), gradient
        else:
            yield name.replace(".mlp.gate.", f".{block}.gate."), parameter.detach(), gradient


def gradients(model, tokens, scored):
    """Logits, per-token losses, and the gradient of the mean of the scored losses by parameter name."""
    model.zero_grad()
    logits = model(tokens[None], use_cache=False).logits[0]
    losses = cross_entropy(logits[:-1], tokens[1:], reduction="none")
    mean = losses[scored].mean()
    mean.backward()
    grads = {name: gradient for name, _, gradient in apart(model)}
    return logits.detach(), losses.detach(), mean.detach(), grads


def draw(config, length, random):
    return torch.randint(0, config.vocab_size, (length,), generator=random)


def rewrite_config(path, style):
    """Writes config.json as releases before 5 did ("old", or "oldest" with the rotary kind under its first name), or as this one does."""
    config = json.loads(path.read_text())
    if style != "new":
        config["torch_dtype"] = config.pop("dtype")
        config.pop("transformers_version", None)
        for name in ("layer_types", "no_rope_layers") + (("head_dim",) if config["model_type"] == "llama" else ()):
            config.pop(name, None)
        if "rope_parameters" in config:
            parameters, is_neox = config.pop("rope_parameters"), config["model_type"] == "gpt_neox"
            config["rotary_emb_base" if is_neox else "rope_theta"] = parameters.pop("rope_theta")
            if "partial_rotary_factor" in parameters:
                config["rotary_pct" if is_neox else "partial_rotary_factor"] = parameters.pop("partial_rotary_factor")
            if style == "oldest":
                parameters["type"] = parameters.pop("rope_type")
            config["rope_scaling"] = None if parameters == {"rope_type": "default"} else parameters
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
    print(f"{'name':<24}{'parameters':>10}{'tensors':>8}{'shards':>7}  {'stored':<9}{'config':<7}"
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

        again = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **plain(config)).eval()
        with torch.no_grad():
            assert torch.equal(again(tokens[None]).logits[0], logits), f"{name}: reloaded, the logits differ"
        assert sorted(stored_names(folder)) == sorted(grads), f"{name}: stored tensors and gradients do not match"
        # Only an expert that no token goes to has none.
        assert all(g.abs().max() > 0 for n, g in grads.items() if ".experts." not in n), f"{name}: a gradient is all zero"
        shards = len(list(folder.glob("model*.safetensors")))
        assert (2 <= shards <= 3) if shard else shards == 1, f"{name}: {shards} shards"
        for file in folder.iterdir():
            file.chmod(0o644)
        size = sum(file.stat().st_size for file in folder.iterdir())
        total += size
        print(f"{name:<24}{sum(g.numel() for g in grads.values()):>10}{len(grads):>8}{shards:>7}  {dtype:<9}{style:<7}"
              f"{length:>3}{config.vocab_size:>4}{mean:>8.3f}{logits.std():>9.2f}{size:>9}")
    print(f"{total} bytes in all")
    assert total < 6_000_000


if __name__ == "__main__":
    main()
