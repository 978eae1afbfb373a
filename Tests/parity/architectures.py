"""Draws random pico models of the supported families and compares logits, losses and every parameter's gradient with transformers.

    architectures.py EXCISE [--seed S] [--count N] [FAMILY ...]     (default: every family, 4 models each)

Each model is saved by transformers, traced by `excise trace --gradients`, and computed by transformers in float32 with eager
attention. Prints the largest relative error (norm of the difference over norm) a family; exits 1 above 1e-4.
"""
import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

sys.path.append(str(Path(__file__).resolve().parents[1] / "Fixtures"))
from make_pico_models import apart, plain  # noqa: E402

TOLERANCE = 1e-4
CONTEXT = 48


def sizes(r, divisible=True):
    """Common sizes under the names that most families use: heads and widths that are odd, groups of every kind."""
    kv = r.choice([1, 1, 2, 3])
    heads = kv * r.choice([1, 2, 3])
    head = r.choice([4, 6, 8])
    return dict(vocab_size=r.choice([37, 61]), hidden_size=heads * head if divisible else r.choice([22, 24, 30]),
                intermediate_size=r.choice([20, 36]), num_hidden_layers=r.choice([1, 2, 3]), num_attention_heads=heads,
                num_key_value_heads=kv, max_position_embeddings=CONTEXT, tie_word_embeddings=r.random() < 0.5,
                pad_token_id=None, bos_token_id=1, eos_token_id=2)


def rope(r, context=CONTEXT, dims=None):
    """Rotary parameters of one of the kinds that every family shares, under the new keys."""
    theta = r.choice([100.0, 10000.0, 500000.0])
    original = r.choice([8, 16, context])
    return r.choice([
        {"rope_type": "default", "rope_theta": theta},
        {"rope_type": "linear", "rope_theta": theta, "factor": r.choice([2.0, 3.5])},
        {"rope_type": "dynamic", "rope_theta": theta, "factor": 2.0},
        {"rope_type": "llama3", "rope_theta": theta, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": r.choice([2.0, 4.0]),
         "original_max_position_embeddings": original},
        {"rope_type": "yarn", "rope_theta": theta, "factor": 4.0, "original_max_position_embeddings": original,
         **r.choice([{}, {"attention_factor": 0.8}, {"beta_fast": 8.0, "beta_slow": 2.0}, {"truncate": False},
                     {"mscale": 1.0, "mscale_all_dim": 0.5}])},
    ])


def partial(r, parameters):
    """The same for a part of each head's columns."""
    return parameters | {"partial_rotary_factor": r.choice([0.5, 1.0])}


def even_halves(c):
    """Heads of which a half are still pairs of columns."""
    return c | dict(hidden_size=8 * c["num_attention_heads"])


def layer_types(r, count):
    return [r.choice(["full_attention", "sliding_attention"]) for _ in range(count)]


def llama(r):
    return sizes(r) | dict(rope_parameters=rope(r), attention_bias=r.random() < 0.5, mlp_bias=r.random() < 0.5,
                           hidden_act=r.choice(["silu", "gelu", "gelu_pytorch_tanh", "relu"]))


def mistral(r):
    return sizes(r, False) | dict(head_dim=r.choice([4, 8]), rope_parameters=rope(r), sliding_window=r.choice([None, 1, 3, 7, 100]))


def qwen2(r):
    c = sizes(r) | dict(rope_parameters=rope(r), use_sliding_window=r.random() < 0.6, sliding_window=r.choice([2, 5]),
                        max_window_layers=r.choice([0, 1, 2]))
    is_listed = c["use_sliding_window"] and r.random() < 0.5
    return c | ({"layer_types": layer_types(r, c["num_hidden_layers"])} if is_listed else {})


def qwen3(r):
    return qwen2(r) | dict(head_dim=r.choice([4, 8, 10]), attention_bias=r.random() < 0.5)


def smollm3(r):
    return sizes(r) | dict(num_hidden_layers=3, rope_parameters=rope(r), no_rope_layer_interval=r.choice([1, 2, 4]),
                           attention_bias=r.random() < 0.5, mlp_bias=r.random() < 0.5)


def gemma(r):
    return sizes(r) | dict(head_dim=r.choice([4, 8]), rope_parameters=rope(r), attention_bias=r.random() < 0.3,
                           hidden_act=r.choice(["gelu", "gelu_pytorch_tanh"]))


def gemma2(r):
    c = gemma(r)
    c.pop("hidden_act")
    return c | dict(hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=r.choice([8, 24]), sliding_window=r.choice([2, 5]),
                    attn_logit_softcapping=r.choice([None, 0.5, 2.0, 50.0]), final_logit_softcapping=r.choice([None, 1.0, 30.0]))


def gemma3_text(r):
    c = gemma2(r) | dict(attn_logit_softcapping=None, sliding_window_pattern=r.choice([2, 3]))
    full = r.choice([{"rope_type": "default"}, {"rope_type": "linear", "factor": 8.0}])
    return c | dict(rope_parameters={"full_attention": full | {"rope_theta": 1e6},
                                     "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}})


def granite(r):
    return llama(r) | dict(embedding_multiplier=r.choice([1.0, 12.0]), residual_multiplier=r.choice([1.0, 0.22]),
                           attention_multiplier=r.choice([0.5, 0.1]), logits_scaling=r.choice([1.0, 8.0]))


def olmo(r):
    return sizes(r) | dict(rope_parameters=rope(r), clip_qkv=r.choice([None, 0.5, 1.5]), attention_bias=r.random() < 0.5)


def olmo2(r):
    return sizes(r) | dict(rope_parameters=rope(r), attention_bias=r.random() < 0.5)


def stablelm(r):
    return even_halves(sizes(r)) | dict(rope_parameters=partial(r, rope(r)), use_qkv_bias=r.random() < 0.5, qk_layernorm=r.random() < 0.5,
                           use_parallel_residual=r.random() < 0.5)


def phi(r):
    return even_halves(sizes(r)) | dict(rope_parameters=partial(r, rope(r)), qk_layernorm=r.random() < 0.5,
                           hidden_act=r.choice(["gelu_new", "gelu"]))


def phi3(r):
    c = sizes(r)
    half = c["hidden_size"] // c["num_attention_heads"] // 2
    long = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [r.uniform(1, 2) for _ in range(half)],
            "long_factor": [r.uniform(1, 8) for _ in range(half)]}
    return c | dict(rope_parameters=r.choice([{"rope_type": "default", "rope_theta": 10000.0}, long]),
                    original_max_position_embeddings=r.choice([8, 40]), sliding_window=r.choice([None, 6]))


def gpt_neox(r):
    c = even_halves(sizes(r))
    c.pop("num_key_value_heads")
    return c | dict(rope_parameters=partial(r, rope(r)), use_parallel_residual=r.random() < 0.5, attention_bias=r.random() < 0.7,
                    hidden_act=r.choice(["gelu", "gelu_new"]))


def gpt2(r):
    heads = r.choice([1, 3, 4])
    return dict(n_embd=heads * r.choice([5, 8]), n_layer=r.choice([1, 2]), n_head=heads, n_positions=CONTEXT, n_inner=r.choice([None, 28]),
                vocab_size=61, scale_attn_weights=r.random() < 0.7, scale_attn_by_inverse_layer_idx=r.random() < 0.5,
                reorder_and_upcast_attn=r.random() < 0.5, tie_word_embeddings=r.random() < 0.5,
                activation_function=r.choice(["gelu_new", "gelu", "relu"]), bos_token_id=0, eos_token_id=0)


def gpt_neo(r):
    heads = r.choice([1, 3, 4])
    kinds = r.choice([[[["global", "local"], 1]], [[["local"], 2]], [[["global"], 1], [["local", "global"], 1]]])
    return dict(hidden_size=heads * r.choice([5, 8]), num_heads=heads, num_layers=sum(len(k) * n for k, n in kinds), attention_types=kinds,
                vocab_size=61, max_position_embeddings=CONTEXT, window_size=r.choice([2, 5, 256]), intermediate_size=r.choice([None, 28]),
                bos_token_id=0, eos_token_id=0)


def opt(r):
    heads = r.choice([1, 3, 4])
    width = heads * r.choice([5, 8])
    return dict(hidden_size=width, num_attention_heads=heads, ffn_dim=r.choice([20, 36]), num_hidden_layers=r.choice([1, 2]), vocab_size=61,
                max_position_embeddings=CONTEXT, word_embed_proj_dim=r.choice([width, width, 7]), do_layer_norm_before=r.random() < 0.5,
                enable_bias=r.random() < 0.7, layer_norm_elementwise_affine=r.random() < 0.8, tie_word_embeddings=r.random() < 0.7,
                activation_function=r.choice(["relu", "gelu"]), pad_token_id=None, bos_token_id=1, eos_token_id=2)


def falcon(r):
    kv, group = r.choice([1, 2, 3]), r.choice([1, 2, 3])
    heads = kv * group
    c = dict(hidden_size=heads * r.choice([4, 8]), num_attention_heads=heads, num_hidden_layers=r.choice([1, 2]), vocab_size=61,
             max_position_embeddings=CONTEXT, bias=r.random() < 0.5, alibi=r.random() < 0.4, rope_parameters=rope(r),
             ffn_hidden_size=r.choice([28, 36]), tie_word_embeddings=r.random() < 0.7)
    return c | r.choice([dict(new_decoder_architecture=True, num_kv_heads=kv, num_ln_in_parallel_attn=r.choice([None, 1, 2])),
                         dict(multi_query=True, parallel_attn=r.random() < 0.6), dict(multi_query=False, parallel_attn=r.random() < 0.6)])


def bloom(r):
    heads = r.choice([1, 2, 3, 5, 8])
    return dict(hidden_size=heads * r.choice([3, 4]), n_head=heads, n_layer=r.choice([1, 2]), vocab_size=61, seq_length=CONTEXT,
                tie_word_embeddings=r.random() < 0.7)


def experts(r):
    """A mixture under the names of Qwen's: one choice of several, all of them, a single expert."""
    count = r.choice([1, 3, 4, 7])
    return dict(num_experts=count, num_experts_per_tok=r.choice([1, min(2, count), count]), norm_topk_prob=r.random() < 0.5)


def mixtral(r):
    c = mistral(r) | experts(r)
    c.pop("norm_topk_prob")
    return c | dict(num_local_experts=c.pop("num_experts"), hidden_act=r.choice(["silu", "gelu", "relu"]))


def sparse_layers(r):
    return dict(moe_intermediate_size=r.choice([6, 16]), decoder_sparse_step=r.choice([1, 1, 2]), mlp_only_layers=r.choice([[], [0], [1, 2]]))


def qwen2_moe(r):
    return qwen2(r) | experts(r) | sparse_layers(r) | dict(shared_expert_intermediate_size=r.choice([10, 24, 40]), qkv_bias=r.random() < 0.7)


def qwen3_moe(r):
    c = sizes(r) | dict(rope_parameters=rope(r), use_sliding_window=r.random() < 0.4, sliding_window=r.choice([2, 5]))
    return c | experts(r) | sparse_layers(r) | dict(head_dim=r.choice([4, 8, 10]), attention_bias=r.random() < 0.5)


def olmoe(r):
    return olmo(r) | experts(r)


FAMILIES = dict(llama=llama, mistral=mistral, qwen2=qwen2, qwen3=qwen3, smollm3=smollm3, gemma=gemma, gemma2=gemma2,
                gemma3_text=gemma3_text, granite=granite, olmo=olmo, olmo2=olmo2, stablelm=stablelm, phi=phi, phi3=phi3,
                gpt_neox=gpt_neox, gpt2=gpt2, gpt_neo=gpt_neo, opt=opt, falcon=falcon, bloom=bloom, mixtral=mixtral, qwen2_moe=qwen2_moe,
                qwen3_moe=qwen3_moe, olmoe=olmoe)


def randomize(model, generator):
    """Weights that leave logits far from flat, so that a missing term shows."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.empty_like(parameter).normal_(generator=generator)
            offset = 0.0 if parameter.dim() > 1 or name.endswith("bias") or parameter.mean().abs() < 0.5 else 1.0
            parameter.copy_(offset + (0.1 if name.endswith("bias") else 0.3 if parameter.dim() > 1 else 0.2) * noise)
    return model


def old_keys(folder, r):
    """Half the time, config.json as releases before 5 wrote it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    parameters = config.get("rope_parameters")
    if r.random() < 0.5 or not parameters or "full_attention" in parameters:
        return config
    config.pop("rope_parameters")
    config["rotary_emb_base" if config["model_type"] == "gpt_neox" else "rope_theta"] = parameters.pop("rope_theta")
    fraction = parameters.pop("partial_rotary_factor", None)
    if fraction is not None:
        config["rotary_pct" if config["model_type"] == "gpt_neox" else "partial_rotary_factor"] = fraction
    if parameters["rope_type"] != "default":
        config["rope_scaling"] = parameters
        parameters[r.choice(["type", "rope_type"])] = parameters.pop("rope_type")
    path.write_text(json.dumps(config))
    return config


def relative(found, expected, least=0.0):
    """Norm of the difference over norm; below `least` an element, what is compared is rounding alone."""
    found, expected = found.double(), expected.double()
    return ((found - expected).norm() / expected.norm().clamp_min(max(least, 1e-12) * expected.numel() ** 0.5)).item()


def stored_gradients(model, folder):
    """Gradients by the names under which their parameters are stored: a module may be renamed when it is saved. None: no parameter's."""
    named = {name: (parameter, gradient) for name, parameter, gradient in apart(model)}
    gradients = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        matches = [named[name]] if name in named else [pair for pair in named.values() if pair[0].shape == tensor.shape and torch.equal(pair[0], tensor)]
        gradients[name] = matches[0][1] if matches else None
    return gradients


def compare(excise, family, seed, folder):
    r = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    config = AutoConfig.for_model(family, **FAMILIES[family](r))
    model = randomize(AutoModelForCausalLM.from_config(config, **plain(config), dtype=torch.float32), generator).eval()
    model.save_pretrained(folder)
    written = old_keys(folder, r)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **plain(config)).eval()
    tokens = torch.randint(0, config.vocab_size, (r.choice([5, 17, 30, CONTEXT]),), generator=generator)
    trace = folder / "trace.safetensors"
    command = [excise, "trace", folder, "--tokens", ",".join(map(str, tokens.tolist())), "--output", trace, "--gradients", "--force"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        return f"{family} seed {seed}: exit {done.returncode}: {done.stderr.strip()}\n  {json.dumps(written)}", {}
    found = load_file(trace)
    # Gradients are of the first T - 1 tokens alone, which matters only where frequencies depend on the length.
    logits = model(tokens[None], use_cache=False).logits[0]
    losses = cross_entropy(logits[:-1], tokens[1:], reduction="none")
    errors = {"logits": relative(found["logits"], logits.detach()), "loss": relative(found["loss"], losses.detach())}
    model.zero_grad()
    cross_entropy(model(tokens[None, :-1], use_cache=False).logits[0], tokens[1:]).backward()
    # A gradient that is 0 but for rounding, such as that of a key's bias without rotary positions, is held to a hundredth of the others.
    typical = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).double().square().mean().sqrt().item()
    for name, gradient in stored_gradients(model, folder).items():
        if gradient is None:
            return f"{family} seed {seed}: {name} is stored and no parameter", {}
        errors[name] = relative(found[name], gradient, 1e-2 * typical)
    return None, errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("excise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("families", nargs="*")
    arguments = parser.parse_intermixed_args()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    failures = 0
    for family in arguments.families or FAMILIES:
        worst = (0.0, "", 0)
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            with tempfile.TemporaryDirectory() as folder:
                complaint, errors = compare(arguments.excise, family, seed, Path(folder))
            if complaint:
                print(complaint)
                failures += 1
                continue
            name = max(errors, key=errors.get)
            worst = max(worst, (errors[name], name, seed))
            if not errors[name] < TOLERANCE:
                failures += 1
                wrong = [f"{n} {e:.1e}" for n, e in errors.items() if not e < TOLERANCE]
                print(f"{family} seed {seed}: {', '.join(wrong[:6])} ({len(wrong)} of {len(errors)})")
        print(f"{family:<12} {arguments.count} models, largest relative error {worst[0]:.1e} ({worst[1]}, seed {worst[2]})", flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
