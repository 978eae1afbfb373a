"""Makes what the tests put GGUF files together from, and beside it what must come out of them.

    python make_gguf_fixtures.py [OUTPUT_DIR]   (default: gguf/ beside this script; needs gguf, numpy, safetensors, sentencepiece,
                                                 tokenizers; with torch and transformers installed it also cross-checks)

blocks.safetensors: for each block type, <type>/bytes (U8, random blocks with finite scales) and <type>/values (F32, what
gguf.quants.dequantize makes of them). llama.json, gpt2.json: pico models, quantised in many ways, with the Hugging Face values
in <name>.safetensors (F32). tokenizer-*.json: llama models of next to nothing with a tokenizer each; tokenizers.json says what
ids each gives for some texts: those of the tokenizer the file was made from (Hugging Face tokenizers, or sentencepiece itself).
Each model is written by the reference writer into a temporary folder, where transformers reads it too; kept are its parts and the
digest of the whole, which the tests' own file must have. Seeds are fixed.
"""
import hashlib
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import sentencepiece
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = """The lighthouse keeper's daughter counted 1234 ships before winter; she'd written each name in a ledger they'd found.
"We'll see another 56 by the thaw," he said, "and I'm sure they're carrying grain, timber and 789 barrels of salt fish."
There wasn't much else to do there: the wind, the water, the weather and the lamp. The lamp wanted oil every third hour.
In the 1890s the harbour was deepened, the mole lengthened, and there were other lighters, other lamps, other keepers.
Her brother could've left; their mother had. It's the sea's doing, the others thought, though they'd never say it there.
"""
TEXTS = [
    "", " ", "Hello", "the lighthouse keeper's daughter", "  The  lamp\n\n they'LL see 12345 ships, wasn't it?",
    "I'M 7 ... café naïve £9",
    "weather\tthe\r\n 1890s\n", "e\u0301 \u4e16\u754c 👩\u200d👧 Ωmega", "<s>their</s> <|end|>other<|user|> x",
    "their thirty-third\u3000three   ", "a" * 20 + " " + "9" * 7,
]
PLAIN = {"f32": T.F32, "f16": T.F16, "bf16": T.BF16}
QUANTISED = {"q4_0": T.Q4_0, "q4_1": T.Q4_1, "q5_0": T.Q5_0, "q5_1": T.Q5_1, "q8_0": T.Q8_0, "q4_K": T.Q4_K, "q5_K": T.Q5_K,
             "q6_K": T.Q6_K}
# Where a block has its F16 scales.
SCALES = {"q4_0": [0], "q4_1": [0, 2], "q5_0": [0], "q5_1": [0, 2], "q8_0": [0], "q4_K": [0, 2], "q5_K": [0, 2], "q6_K": [208]}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def blocks(path, random):
    tensors = {}
    for name, type in (PLAIN | QUANTISED).items():
        size, width = gguf.GGML_QUANT_SIZES[type]
        count = 64 if size == 1 else 5 if size == 32 else 3
        if name in QUANTISED:
            data = random.integers(0, 256, (count, width), dtype=np.uint8)
            scales = [0.0, -0.37, 6e-8, 0.0123, 211.0]  # one of them subnormal
            for block in range(count):
                for place in SCALES[name]:
                    scale = scales[(block + place) % 5] if block < 2 else random.normal()
                    data[block, place:place + 2] = np.array([scale], np.float16).view(np.uint8)
            data = data.reshape(-1)
        else:
            data = quantize(random.normal(size=count).astype(np.float32), type).view(np.uint8).reshape(-1)
        tensors[name + "/bytes"] = data
        tensors[name + "/values"] = dequantize(data, type).reshape(-1).astype(np.float32)
        assert np.isfinite(tensors[name + "/values"]).all()
    save_file(tensors, path)


def normal(random, *shape):
    return (random.normal(size=shape) * 0.3).astype(np.float32)


class Model:
    """A GGUF file in the making, and the Hugging Face values that it holds."""

    def __init__(self, path, architecture):
        self.writer = gguf.GGUFWriter(path, architecture)
        self.path, self.values = path, {}

    def add(self, stored, name, weight, type=T.F32, there=lambda x: x, back=lambda x: x):
        """`there` is what the converter does to a Hugging Face weight, `back` undoes it."""
        data = quantize(np.ascontiguousarray(there(weight)), type)
        self.writer.add_tensor(stored, data, raw_dtype=type)
        value = np.ascontiguousarray(back(dequantize(data, type))).astype(np.float32)
        assert value.shape == weight.shape and np.abs(value - weight).max() < 0.25
        self.values[name] = value

    def finish(self):
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()
        if self.path.stem in ("llama", "gpt2"):
            save_file(self.values, self.path.with_suffix(".safetensors"))


def vocabulary(writer, model, tokens, types, scores=None, merges=None, pre=None, **identifiers):
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores is not None:
        writer.add_token_scores(scores)
    if merges is not None:
        writer.add_token_merges(merges)
    for name, value in identifiers.items():
        getattr(writer, f"add_{name}_token_id")(value)


def llama_sizes(writer, hidden, layers, heads, kv, head, inner, context=64):
    writer.add_context_length(context)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)


def interleave(heads):
    """Each head's two halves of rows, interleaved: the order of rotary positions in GGUF."""
    return lambda w: w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def halves(heads):
    return lambda w: w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def add_llama_tensors(model, random, vocab, hidden, layers, heads, kv, head, inner, types, bias, tied):
    model.add("token_embd.weight", "model.embed_tokens.weight", normal(random, vocab, hidden), types[0])
    model.add("output_norm.weight", "model.norm.weight", normal(random, hidden))
    if not tied:
        model.add("output.weight", "lm_head.weight", normal(random, vocab, hidden), types[1])
    for layer in range(layers):
        kind = iter(types[2 + 7 * layer:])
        stored, name = f"blk.{layer}.", f"model.layers.{layer}."
        model.add(stored + "attn_norm.weight", name + "input_layernorm.weight", normal(random, hidden))
        model.add(stored + "ffn_norm.weight", name + "post_attention_layernorm.weight", normal(random, hidden))
        for short, long, rows, columns, rotary in [
            ("attn_q", "self_attn.q_proj", heads * head, hidden, heads), ("attn_k", "self_attn.k_proj", kv * head, hidden, kv),
            ("attn_v", "self_attn.v_proj", kv * head, hidden, None), ("attn_output", "self_attn.o_proj", hidden, heads * head, None),
            ("ffn_gate", "mlp.gate_proj", inner, hidden, None), ("ffn_up", "mlp.up_proj", inner, hidden, None),
            ("ffn_down", "mlp.down_proj", hidden, inner, None),
        ]:
            order = (interleave(rotary), halves(rotary)) if rotary else ()
            model.add(stored + short + ".weight", name + long + ".weight", normal(random, rows, columns), next(kind), *order)
            if bias and "attn" in short:
                model.add(stored + short + ".bias", name + long + ".bias", normal(random, rows), T.F32, *order)


def llama(path, random):
    model = Model(path, "llama")
    model.writer.add_name("pico llama")
    model.writer.add_vocab_size(20)
    sizes = dict(hidden=32, layers=2, heads=4, kv=2, head=6, inner=64)
    llama_sizes(model.writer, **sizes)
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(7)] + ["▁", "a", "b", "▁a", "ab", "▁ab"]
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 7 + [NORMAL] * 6
    vocabulary(model.writer, "llama", tokens, types, scores=[0.0] * 10 + [-4.0, -5.0, -6.0, -1.0, -2.0, -3.0], bos=1, eos=2, unk=0)
    # Rows of 24 are no whole blocks, so attn_output is plain.
    types = [T.Q8_0, T.BF16, T.Q4_1, T.Q5_0, T.Q8_0, T.F16, T.Q4_0, T.Q5_1, T.Q4_1, T.Q8_0, T.F32, T.F16, T.BF16, T.Q5_0, T.Q5_1, T.Q8_0]
    add_llama_tensors(model, random, vocab=20, types=types, bias=True, tied=False, **sizes)
    model.finish()


def gpt2(path, random):
    model = Model(path, "gpt2")
    vocab, hidden, inner, context = 19, 32, 64, 12
    model.writer.add_context_length(context)
    model.writer.add_embedding_length(hidden)
    model.writer.add_block_count(1)
    model.writer.add_feed_forward_length(inner)
    model.writer.add_head_count(4)
    model.writer.add_layer_norm_eps(1e-5)
    model.writer.add_custom_alignment(64)
    tokens = [chr(ord("a") + i) for i in range(16)] + ["Ġ", "Ġa", "<|endoftext|>"]
    vocabulary(model.writer, "gpt2", tokens, [NORMAL] * 18 + [CONTROL], merges=["Ġ a"], pre="gpt-2", bos=18, eos=18)

    def linear(stored, name, inputs, outputs, type):
        model.add(stored + ".weight", name + ".weight", normal(random, inputs, outputs), type, np.transpose, np.transpose)
        model.add(stored + ".bias", name + ".bias", normal(random, outputs))

    def norm(stored, name):
        model.add(stored + ".weight", name + ".weight", normal(random, hidden))
        model.add(stored + ".bias", name + ".bias", normal(random, hidden))

    model.add("token_embd.weight", "transformer.wte.weight", normal(random, vocab, hidden), T.Q8_0)
    model.add("position_embd.weight", "transformer.wpe.weight", normal(random, context, hidden), T.F16)
    norm("output_norm", "transformer.ln_f")
    norm("blk.0.attn_norm", "transformer.h.0.ln_1")
    norm("blk.0.ffn_norm", "transformer.h.0.ln_2")
    linear("blk.0.attn_qkv", "transformer.h.0.attn.c_attn", hidden, 3 * hidden, T.Q5_1)
    linear("blk.0.attn_output", "transformer.h.0.attn.c_proj", hidden, hidden, T.F16)
    linear("blk.0.ffn_up", "transformer.h.0.mlp.c_fc", hidden, inner, T.Q8_0)
    linear("blk.0.ffn_down", "transformer.h.0.mlp.c_proj", inner, hidden, T.Q4_0)
    model.finish()


def byte_pair_tokenizer(normalizer, pre_tokenizer, ignore_merges):
    """A byte-level tokenizer trained on the corpus, with a token that merges do not reach, and two added ones."""
    trained = Tokenizer(models.BPE())
    trained.normalizer, trained.pre_tokenizer = normalizer, pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trained.train_from_iterator(
        CORPUS.splitlines(True), trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    vocab, merges = model["vocab"], [tuple(merge) for merge in model["merges"]]
    # Reached by no merge: only ignore_merges finds it.
    for token in ("Hello", "Ġtheir"):
        vocab.setdefault(token, len(vocab))
    merges = [merge for merge in merges if "".join(merge) != "Ġtheir"]
    special = {"<|end|>": len(vocab), "<|user|>": len(vocab) + 1}
    tokenizer = Tokenizer(models.BPE(vocab=vocab | special, merges=merges, ignore_merges=ignore_merges))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, pre_tokenizer, decoders.ByteLevel()
    from tokenizers import AddedToken
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<|user|>", special=False, normalized=False)])
    return tokenizer, merges, special


def split(digits):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits
            + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def tokenizers(root, random):
    expected = {}
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    single = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    small = dict(hidden=2, layers=1, heads=1, kv=1, head=2, inner=2)

    def start(name):
        model = Model(root / f"tokenizer-{name}.gguf", "llama")
        llama_sizes(model.writer, **small)
        return model

    def finish(model, name, vocab, ids, special):
        add_llama_tensors(model, random, vocab=vocab, types=[T.F32] * 9, bias=False, tied=True, **small)
        model.finish()
        expected[name] = {"ids": ids, "prefix": special}

    for name, normalizer, pre_tokenizer, ignores in [
        ("gpt-2", None, byte_level, False), ("smollm", None, single, False),
        ("llama-bpe", None, split(r"\p{N}{1,3}"), True), ("qwen2", normalizers.NFC(), split(r"\p{N}"), False),
    ]:
        tokenizer, merges, special = byte_pair_tokenizer(normalizer, pre_tokenizer, ignores)
        tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
        types = [{"<|end|>": CONTROL, "<|user|>": USER_DEFINED}.get(token, NORMAL) for token in tokens]
        model = start(name)
        end = special["<|end|>"]
        vocabulary(model.writer, "gpt2", tokens, types, merges=[" ".join(merge) for merge in merges], pre=name, bos=end, eos=end)
        if name == "smollm":
            model.writer.add_add_bos_token(False)
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
        finish(model, name, len(tokens), ids, [end] if name == "llama-bpe" else [])

    for name, prefix in [("sentencepiece", True), ("sentencepiece-no-prefix", False)]:
        trained = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS.splitlines()), model_writer=trained, model_type="bpe", vocab_size=400, byte_fallback=True,
            character_coverage=1.0, normalization_rule_name="identity", add_dummy_prefix=prefix, remove_extra_whitespaces=False,
            hard_vocab_limit=False, num_threads=1, minloglevel=2)
        processor = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
        count = processor.get_piece_size()
        tokens = [processor.id_to_piece(i) for i in range(count)]
        types = [UNKNOWN if processor.is_unknown(i) else CONTROL if processor.is_control(i) else BYTE if processor.is_byte(i) else NORMAL
                 for i in range(count)]
        model = start(name)
        vocabulary(model.writer, "llama", tokens, types, scores=[processor.get_score(i) for i in range(count)], pre="default",
                   bos=1, eos=2, unk=0)
        if not prefix:
            model.writer.add_add_space_prefix(False)
            model.writer.add_add_bos_token(False)
            model.writer.add_add_eos_token(False)
        # sentencepiece takes control tokens in a text for plain text, Hugging Face does not: that text has none here.
        ids = [processor.encode(text.replace("<s>", "").replace("</s>", "")) for text in TEXTS]
        finish(model, name, count, ids, [1] if prefix else [])
    texts = [text.replace("<s>", "").replace("</s>", "") for text in TEXTS]
    document = {"texts": TEXTS, "sentencepiece_texts": texts, "tokenizers": expected}
    (root / "tokenizers.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def cross_check(root):
    """transformers' own reading of the pico models gives the same values."""
    try:
        from transformers import AutoModelForCausalLM, GPT2Config
    except ImportError:
        return print("transformers is not installed: no cross-check")
    from safetensors.numpy import load_file
    # It takes gpt2's sizes for those of the first GPT-2 unless it is told.
    sizes = GPT2Config(vocab_size=19, n_embd=32, n_inner=64, n_positions=12, n_layer=1, n_head=4, bos_token_id=18, eos_token_id=18)
    for name, more in [("llama", {}), ("gpt2", {"config": sizes})]:
        state = AutoModelForCausalLM.from_pretrained(root, gguf_file=f"{name}.gguf", dtype="float32", **more).state_dict()
        values = load_file(root / f"{name}.safetensors")
        # It passes over the biases of llama's attention.
        both = [key for key in values if key in state]
        assert all(".self_attn." in key and key.endswith(".bias") for key in set(values) - set(both)), set(values) - set(both)
        worst = max(float(np.abs(state[key].numpy() - values[key]).max()) for key in both)
        print(f"{name}: {len(both)} tensors, largest difference to transformers' reading {worst}")
        assert worst == 0


def parts(path):
    """What a file is made of, as the reference reader has it."""
    reader = gguf.GGUFReader(path)
    pairs = []
    for key, field in reader.fields.items():
        if not key.startswith("GGUF."):
            is_array = len(field.types) > 1
            pairs.append({"key": key, "type": field.types[-1].name.lower(), "is_array": is_array, "value": field.contents()})
    tensors = [{"name": tensor.name, "dimensions": tensor.shape.tolist(), "type": int(tensor.tensor_type), "data": tensor.data.tobytes().hex()}
               for tensor in reader.tensors]
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "alignment": reader.alignment, "pairs": pairs, "tensors": tensors}


def main():
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "gguf"
    output.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(20250611)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        blocks(root / "blocks.safetensors", random)
        llama(root / "llama.gguf", random)
        gpt2(root / "gpt2.gguf", random)
        tokenizers(root, random)
        cross_check(root)
        for file in sorted(root.iterdir()):
            target = output / file.name
            if file.suffix == ".gguf":
                target = target.with_suffix(".json")
                target.write_text(json.dumps(parts(file), indent=1, ensure_ascii=False, default=lambda number: number.item()) + "\n")
            else:
                shutil.copyfile(file, target)
            target.chmod(0o644)
            print(f"{target.name:<40}{target.stat().st_size:>8}")


if __name__ == "__main__":
    main()
