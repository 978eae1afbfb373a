#!/usr/bin/env python3
"""Writes the inputs that fuzzing starts from: seeds.py CORPORA makes a folder a reader, from Tests/Fixtures and from what is made here.

Same bytes each time. Files larger than LARGEST say nothing that a smaller one does not, and are left out.
"""

import base64
import gzip
import io
import json
import pathlib
import struct
import sys
import tarfile
import zipfile

LARGEST = 1 << 16
fixtures = pathlib.Path(__file__).parent.parent / "Fixtures"
corpora = pathlib.Path(sys.argv[1])


def write(reader, name, content):
    if len(content) <= LARGEST:
        folder = corpora / reader
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def copy(reader, pattern):
    for path in sorted(fixtures.glob(pattern)):
        write(reader, f"{path.parent.name}-{path.name}", path.read_bytes())


def statements():
    """What the signatures are over, and one with tensors."""
    for path in sorted(fixtures.glob("signatures/*.sig")):
        write("statement", path.stem, base64.b64decode(json.loads(path.read_text())["dsseEnvelope"]["payload"]))
    statement = json.loads((corpora / "statement" / "file").read_bytes())
    statement["predicate"]["excise.tensors"] = {".": {"w": "0" * 64, "b": "1" * 64}}
    write("statement", "tensors", json.dumps(statement).encode())


def tokenizers():
    """The pico tokenizers, each with its model, cut down to what the fuzzer can change within a useful time."""
    kinds = json.loads((fixtures / "tokenizers/kinds.json").read_text())
    for number, kind in enumerate(kinds["tokenizers"]):
        model = kinds["models"][kind["model"]] | kind["changes"]
        if model["type"] == "Unigram":
            model["vocab"] = model["vocab"][:100]
        else:
            vocabulary = dict(list(model["vocab"].items())[:300])
            parts = lambda merge: merge.split(" ") if isinstance(merge, str) else merge
            result = lambda merge: parts(merge)[0] + parts(merge)[1].removeprefix(model.get("continuing_subword_prefix") or "")
            model["merges"] = [merge for merge in model["merges"] if {*parts(merge), result(merge)} <= vocabulary.keys()][:40]
            model["vocab"] = vocabulary
        document = kind["definition"] | {"model": model}
        write("tokenizer", f"kind-{number}", json.dumps(document, ensure_ascii=False).encode())
        small = {"type": "BPE", "vocab": {"a": 0, "aa": 1, "<unk>": 2, "▁": 3, "<0x41>": 4}, "merges": ["a a"], "unk_token": "<unk>"}
        write("tokenizer", f"small-{number}", json.dumps(document | {"model": small, "added_tokens": []}, ensure_ascii=False).encode())


def sentencepieces():
    """The fixtures' models of SentencePiece, and small ones of each kind in protocol buffers' wire format."""
    models = json.loads((fixtures / "tokenizers/sentencepiece.json").read_text())["models"]
    for number, model in enumerate(models):
        write("sentencepiece", f"model-{number}", base64.b64decode(model["model"]))
    block = lambda number, content: bytes([number << 3 | 2, len(content)]) + content
    flag = lambda number, value: (bytes([number << 3]) if number < 16 else bytes([number << 3 & 127 | 128, number >> 4])) + bytes([value])

    def piece(text, score=0.0, kind=1):
        return block(1, block(1, text.encode()) + b"\x15" + struct.pack("<f", score) + flag(3, kind))

    words = [("a", -1.0, 1), ("b", -2.0, 1), ("ab", -0.5, 1), ("▁", -3.0, 1), ("▁a", -1.5, 1), ("<sep>", 0.0, 4), ("é", -4.0, 1)]
    for kind in [1, 2]:
        pieces = b"".join(piece(*one) for one in [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), *words])
        write("sentencepiece", f"small-{kind}", pieces + block(2, flag(3, kind)) + block(3, flag(3, 1) + flag(4, 1)))
        every = b"".join(piece(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256))
        write("sentencepiece", f"bytes-{kind}", pieces + every + block(2, flag(3, kind) + flag(35, 1)) + block(3, flag(4, 0)) + block(5, b""))


def vocabularies():
    """vocab.json, merges.txt, tokenizer_config.json, added_tokens.json and special_tokens_map.json, a zero byte between them."""
    vocabulary = {"H": 0, "e": 1, "l": 2, "o": 3, "Ġ": 4, "a": 5, "aa": 6, "ll": 7, "<|endoftext|>": 8, "He": 9}
    merges = "#version: 0.2\nl l\na a\nH e\n"
    declared = {"add_prefix_space": True, "added_tokens_decoder": {
        "8": {"content": "<|endoftext|>", "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}}}
    special = {"bos_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>", "rstrip": True}, "additional_special_tokens": ["He"]}
    for number, parts in enumerate([
        [vocabulary, merges], [vocabulary, merges, declared], [vocabulary, merges.replace("\n", "\r\n"), {}, {"<s>": 10}, special],
        [{"a": 0}, ""], [vocabulary, "l  l\n"], [[], "a a"],
    ]):
        texts = [part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts]
        write("vocabulary", f"files-{number}", "\0".join(texts).encode())


def zstandard(content):
    """One Zstandard frame with one block, which is not compressed (RFC 8878)."""
    return b"\x28\xb5\x2f\xfd\xa0" + len(content).to_bytes(4, "little") + (len(content) << 3 | 1).to_bytes(3, "little") + content


def archives():
    files = {"config.json": b'{"model_type": "llama"}', "model.safetensors": bytes(600), "a/b.txt": b"b", "empty": b""}
    for name, format in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=format) as tar:
            long = {} if name == "ustar" else {"n" * 120: b"long", "ö": b"not ASCII"}
            for path, content in (files | long).items():
                entry = tarfile.TarInfo("model/" + path)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            if name == "gnu":
                for kind in [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]:
                    entry = tarfile.TarInfo("other")
                    entry.type, entry.linkname = kind, "model/empty"
                    tar.addfile(entry)
        tar = stream.getvalue().rstrip(b"\0")
        # Up to whole blocks and the two that end it, without the padding to a tape's record.
        tar += bytes(-len(tar) % 512 + 1024)
        write("tar", name, tar)
        # One file is enough behind a decompressor that the fuzzer cannot see into.
        write("zstandard", name, zstandard(tar[:1024] + bytes(1024)))
    for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for path, content in files.items():
                archive.writestr(zipfile.ZipInfo(path), content, method)
        write("zip", name, stream.getvalue())


def texts():
    for number, line in enumerate([
        '{"text": "a \\ud83d\\ude00 b"}', '{"prompt": "", "completion": "b", "other": [1, -2.5e3, null, true]}',
        '{"text": "a", "prompt": "b"}', '{"text": "a", "prompt": "b", "completion": "c"}', "\ufeff{\"text\": \"a\"}\r\n\n{\"text\": \"b\"}\n",
        '{"text": 1}', "[]", '{"text": "a", "text": "b"}',
    ]):
        write("records", f"line-{number}", line.encode())
    write("gzip", "text", gzip.compress(b"one\n\ntwo\n", mtime=0))
    for number, gate in enumerate([
        "forget.edited.nll >= 0.9 * forget.base.nll", "ratio <= 1.005", "-(1 + 2) / .5e-3 != ratio - -4", "forget.edited.recited == 0",
        "forget.eited.nll < 1", "((((1))))>2", "forget < 1",
    ]):
        write("gate", f"gate-{number}", gate.encode())


def checkpoints():
    for family in ["llama-bf16", "gpt2-tied"]:
        config = json.loads((fixtures / family / "config.json").read_text())
        write("configuration", family + "-plain", json.dumps(config).encode())
    for number, index in enumerate([
        {"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}},
        {"metadata": {"total_size": 8.0}, "weight_map": {"\u00e9": "x.safetensors"}},
        {"weight_map": {"a": "../x.safetensors"}}, {"weight_map": []}, {"metadata": [], "weight_map": {"a": 1}},
    ]):
        write("index", f"index-{number}", json.dumps(index).encode())


def gguf():
    """The smallest models of both families with each kind of words: the fixtures' have hundreds of tokens."""
    text = lambda value: struct.pack("<Q", len(value.encode())) + value.encode()

    def value(content):
        match content:
            case bool(): return struct.pack("<I?", 7, content)
            case int(): return struct.pack("<II", 4, content)
            case float(): return struct.pack("<If", 6, content)
            case str(): return struct.pack("<I", 8) + text(content)
            case list():
                elements = [value(element) for element in content]
                return struct.pack("<I", 9) + elements[0][:4] + struct.pack("<Q", len(content)) + b"".join(e[4:] for e in elements)

    def model(name, family, words, shapes):
        pieces = ["<unk>", "<s>", "</s>", "a", "b", "ab", "▁", "<0x41>"]
        keys = {"general.architecture": family, "general.alignment": 32, f"{family}.embedding_length": 4, f"{family}.block_count": 1,
                f"{family}.feed_forward_length": 8, f"{family}.context_length": 4, f"{family}.attention.head_count": 2,
                "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.token_type": [2, 3, 3, 1, 1, 1, 1, 6],
                "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.add_bos_token": True}
        if family == "llama":
            keys |= {"llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 1e4, "llama.rope.scaling.type": "linear",
                     "llama.rope.scaling.factor": 2.0}
        else:
            keys |= {"gpt2.attention.layer_norm_epsilon": 1e-5}
        if words == "llama":
            keys |= {"tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": [0.0, 0.0, 0.0, -1.0, -2.0, -0.5, -3.0, 0.0]}
        else:
            keys |= {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": words, "tokenizer.ggml.merges": ["a b"]}
        header, data = b"", b""
        for tensor, shape in shapes.items():
            header += text(tensor) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
            header += struct.pack("<IQ", 1, len(data))
            size = 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
            data += bytes(-(-size // 32) * 32)
        pairs = b"".join(text(key) + value(content) for key, content in keys.items())
        start = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(keys)) + pairs + header
        write("gguf", name, start + bytes(-len(start) % 32) + data)

    llama = {"token_embd.weight": [8, 4], "output_norm.weight": [4], "output.weight": [8, 4]} | {
        f"blk.0.{role}.weight": shape for role, shape in {
            "attn_norm": [4], "attn_q": [4, 4], "attn_k": [4, 4], "attn_v": [4, 4], "attn_output": [4, 4], "ffn_norm": [4],
            "ffn_gate": [8, 4], "ffn_up": [8, 4], "ffn_down": [4, 8]}.items()}
    gpt2 = {"token_embd.weight": [8, 4], "position_embd.weight": [4, 4], "output_norm.weight": [4], "output_norm.bias": [4]}
    for role, shape in {"attn_norm": [4], "attn_qkv": [12, 4], "attn_output": [4, 4], "ffn_norm": [4], "ffn_up": [8, 4],
                        "ffn_down": [4, 8]}.items():
        gpt2 |= {f"blk.0.{role}.weight": shape, f"blk.0.{role}.bias": shape[:1]}
    for words in ["llama", "gpt-2", "smollm", "llama-bpe", "qwen2"]:
        model(f"llama-{words}", "llama", words, llama)
    model("gpt2", "gpt2", "gpt-2", gpt2)


copy("safetensors", "malformed/*.safetensors")
copy("safetensors", "odd/*.safetensors")
copy("index", "*/*.index.json")
copy("pytorch", "pytorch/*.pt")
copy("zip", "pytorch/module.pt")
copy("configuration", "*/config.json")
copy("numpy", "token-files/*.npy")
copy("tokens", "token-files/*.safetensors")
copy("gzip", "token-files/*.gz")
copy("zstandard", "token-files/*.zst")
copy("patch", "patch/patch*.safetensors")
copy("signature", "signatures/*.sig")
statements()
tokenizers()
sentencepieces()
vocabularies()
archives()
texts()
checkpoints()
gguf()
