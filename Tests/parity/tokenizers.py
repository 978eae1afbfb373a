#!/usr/bin/env python3
"""Compares `excise tokenize` with Hugging Face tokenizers and SentencePiece on random hard strings, there and back, and exits with
1 where they differ.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python Tests/parity/tokenizers.py [MODEL...] [--train TEXT] [--kinds] [--excise PATH] [--count N] [--seed N]
    python Tests/parity/tokenizers.py MODEL... --speed TEXT [--megabytes N]

A MODEL is a directory with a tokenizer.json, a tokenizer.model, or a vocab.json with merges.txt. --train adds models trained on the
spot: like Llama's, unigram ones, and T5's; --kinds the small ones of Tests/Fixtures/make_tokenizer_fixtures.py. The strings mix words,
code and markup with characters of all of Unicode's planes: unassigned ones, combining marks, joiners, controls, digits, spaces, emoji,
and many scripts. --speed measures both on the same text, in turns, in processor time (which other work on the machine hardly changes)
of one thread each: excise from its start to its end, with reading the tokenizer and the text and writing the ids, and the library
only while it encodes.
"""

import argparse
import base64
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import unicodedata

os.environ.update(RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

# This file's own name must not hide the package.
sys.path = [place for place in sys.path if pathlib.Path(place or ".").resolve() != pathlib.Path(__file__).resolve().parent]
from tokenizers import Tokenizer  # noqa: E402

WORDS = (
    "the of and to in that he I'll don't we've they're it's I'm you'd 'S 'LL 'ſ Hello World def return self.x = None; "
    "for(int i=0;i<n;i++){} https://example.com/a?b=c&d=1 1234567 3.14159 0xFF <|endoftext|> <|endof <|im_start|> <s> </s> <unk> "
    "<0x41> ▁ ▁▁ é e\u0301 naïve Straße ﬁ ½ ² Ⅷ ٣ 五 日本語 한국어 العربية हिन्दी ไทย 👩\u200d👩\u200d👧\u200d👦 🇩🇪 \u200d \ufeff \0 \x7f \r\n \n\n \t"
).split(" ")


def pools():
    """Lists of code points to draw from, each as likely as the next."""
    every = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    kinds = {point: unicodedata.category(chr(point)) for point in every}
    ranges = [
        (0, 0x80), (0x61, 0x7B), (0x30, 0x3A), (0x21, 0x30), (0xA0, 0x250), (0x370, 0x400), (0x400, 0x530), (0x591, 0x5F5), (0x600, 0x700),
        (0x900, 0x980), (0xE00, 0xE5C), (0xF40, 0xFC0), (0x1100, 0x1200), (0xAC00, 0xAC80), (0x2000, 0x2070), (0x3040, 0x3100), (0x4E00, 0x5000),
        (0x1F300, 0x1F700), (0x1F1E6, 0x1F200), (0x105C0, 0x10600), (0x11380, 0x113E3), (0x11DE0, 0x11DEA), (0x1D800, 0x1DAB0), (0x2EBF0, 0x2EE5E),
    ]
    return [
        every,
        [point for point in every if kinds[point] not in ("Cn", "Co")],
        [point for point in every if unicodedata.combining(chr(point))],
        [point for point in every if unicodedata.decomposition(chr(point))],
        [point for point in every if kinds[point].startswith("N")],
        [point for point in every if kinds[point].startswith("Z")] + [9, 10, 11, 12, 13, 0x85, 0x180E, 0x200B, 0xFEFF],
        [0x200D, 0xFE0F, *range(0x1F3FB, 0x1F400), *range(0x1F466, 0x1F46A)],
    ] + [list(range(*bounds)) for bounds in ranges]


def strings(count, seed):
    chance, points = random.Random(seed), pools()
    for _ in range(count):
        parts = []
        for _ in range(chance.choice([1, 1, 2, 3, 5, 8])):
            kind = chance.random()
            if kind < 0.35:
                parts.append(chance.choice([" ", "", "  ", "\n"]).join(chance.choices(WORDS, k=chance.randint(1, 6))))
            elif kind < 0.45:
                parts.append(chance.choice([" ", "a", "\n", " \n", "é", "1", "!", "\u3000"]) * chance.randint(1, 40))
            else:
                chosen = chance.choices(points, k=chance.choice([1, 1, 2, 3]))
                parts.append("".join(chr(chance.choice(chance.choice(chosen))) for _ in range(chance.randint(1, 25))))
        yield chance.choice(["", " "]).join(parts)


class Reference:
    """The library that a model's files are for."""

    def __init__(self, model):
        self.model = model
        self.pieces = None
        if (model / "tokenizer.json").exists():
            self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        elif (model / "tokenizer.model").exists():
            import sentencepiece

            self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(model / "tokenizer.model"))
        else:
            from transformers import AutoTokenizer

            self.tokenizer = AutoTokenizer.from_pretrained(str(model)).backend_tokenizer
        if not self.pieces:
            self.tokenizer.no_truncation()
            self.tokenizer.no_padding()

    def encode(self, texts):
        if self.pieces:
            return self.pieces.encode(texts)
        # Not the ids of `tokenizer(text)`, which may have special tokens around them.
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def decode(self, ids):
        return self.pieces.decode(ids) if self.pieces else self.tokenizer.decode(ids, skip_special_tokens=False)


def run(excise, *arguments):
    result = subprocess.run([excise, "tokenize", *map(str, arguments)], capture_output=True)
    if result.returncode:
        raise SystemExit(result.stderr.decode())
    return result.stdout


def differences(excise, model, texts, decoded=2000):
    """The number of texts whose ids differ, and of groups of 100 texts whose ids differ when decoded; prints the first few."""
    reference = Reference(model)
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "texts.jsonl"
        data.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8", newline="")
        records = json.loads(run(excise, model, "--file", data, "--json"))["records"]
    if len(records) != len(texts):
        print(f"{model}: {len(records)} records came back for {len(texts)} texts")
        return len(texts), 0
    expected = reference.encode(texts)
    different = [index for index, record in enumerate(records) if record["ids"] != expected[index]]
    for index in different[:5]:
        print(f"{model}: {texts[index]!a}\n  expected {expected[index]}\n  found    {records[index]['ids']}")
    undone = 0
    for start in range(0, min(decoded, len(texts)), 100):
        ids = [one for each in expected[start : start + 100] for one in each]
        if not ids:
            continue
        text = json.loads(run(excise, model, "--decode", ",".join(map(str, ids)), "--json"))["text"]
        if text != reference.decode(ids):
            undone += 1
            print(f"{model}: the ids of texts {start} to {start + 99} decode differently")
    return len(different), undone


def trained(text, folder):
    """Directories of models trained on the text."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as messages

    def train(name, **options):
        (folder / name).mkdir()
        sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=str(folder / name / "tokenizer"), num_threads=1, minloglevel=3, **options)
        return folder / name

    yield train("llama", vocab_size=4000, model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                split_digits=True, allow_whitespace_only_pieces=True)
    yield train("bpe-nfkc-casefold", vocab_size=3000, model_type="bpe", normalization_rule_name="nmt_nfkc_cf", user_defined_symbols=["<sep>", "the", "▁▁"],
                control_symbols=["<ctl>"], treat_whitespace_as_suffix=True)
    unigram = train("unigram", vocab_size=4000)
    yield unigram
    yield train("unigram-bytes", vocab_size=3000, byte_fallback=True, user_defined_symbols=["<sep>", "ab"], add_dummy_prefix=False)
    model = messages.ModelProto.FromString((unigram / "tokenizer.model").read_bytes())
    metaspace = dict(type="Metaspace", replacement="▁", prepend_scheme="always", split=True)
    precompiled = dict(type="Precompiled", precompiled_charsmap=base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode())
    special = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    (folder / "t5").mkdir()
    (folder / "t5" / "tokenizer.json").write_text(json.dumps(dict(
        version="1.0", truncation=None, padding=None, added_tokens=[dict(special, id=index, content=token) for index, token in enumerate(["<unk>", "<s>", "</s>"])],
        normalizer=dict(type="Sequence", normalizers=[precompiled, dict(type="Strip", strip_left=False, strip_right=True), dict(type="Replace", pattern=dict(Regex=" {2,}"), content="▁")]),
        pre_tokenizer=metaspace, post_processor=None, decoder=metaspace,
        model=dict(type="Unigram", unk_id=0, byte_fallback=False, vocab=[[piece.piece, piece.score] for piece in model.pieces]))), encoding="utf-8")
    yield folder / "t5"


def kinds(folder):
    """Directories of the fixtures' small tokenizers."""
    place = pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "tokenizers" / "kinds.json"
    document = json.loads(place.read_text(encoding="utf-8"))
    for entry in document["tokenizers"]:
        (folder / entry["name"]).mkdir()
        definition = dict(entry["definition"], model=dict(document["models"][entry["model"]], **entry["changes"]))
        (folder / entry["name"] / "tokenizer.json").write_text(json.dumps(definition), encoding="utf-8")
        yield folder / entry["name"]


def children():
    """Seconds of processor time that processes started here have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def speed(excise, model, text, megabytes, rounds=3):
    """Prints both rates, lines as records and all of it as one; false where excise is slower."""
    reference = Reference(model)
    unit = text.read_text(encoding="utf-8")
    whole = unit * max(1, round(megabytes * 1e6 / len(unit.encode())))
    fast = True
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "text.txt"
        data.write_text(whole, encoding="utf-8", newline="")
        for split in ("lines", "whole"):
            texts = [line for line in whole.split("\n") if line.strip(" \t\r")] if split == "lines" else [whole]
            size = sum(len(one.encode()) for one in texts) / 1e6
            ours, theirs, tokens = [], [], 0
            for _ in range(rounds):
                start = children()
                with open(os.devnull, "wb") as nowhere:
                    subprocess.run([excise, "tokenize", str(model), "--file", str(data), "--split", split, "--threads", "1"], check=True, stdout=nowhere)
                ours.append(children() - start)
                start = time.process_time()
                if reference.pieces:
                    found = reference.pieces.encode(texts, num_threads=1)
                else:
                    found = reference.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
                theirs.append(time.process_time() - start)
                tokens = sum(len(one) for one in found)
                del found
            us, them = min(ours), min(theirs)
            print(f"{model} {split}: {size:.1f} MB, {tokens} tokens; excise {size / us:.2f} MB/s, {tokens / us / 1e6:.2f} M tokens/s; "
                  f"reference {size / them:.2f} MB/s, {tokens / them / 1e6:.2f} M tokens/s; ratio {them / us:.2f}", flush=True)
            fast = fast and us <= them
    return fast


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--excise", default="excise")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--train", type=pathlib.Path, metavar="TEXT")
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--speed", type=pathlib.Path, metavar="TEXT")
    parser.add_argument("--megabytes", type=float, default=20)
    options = parser.parse_args()
    if options.speed:
        sys.exit(0 if all([speed(options.excise, model, options.speed, options.megabytes) for model in options.models]) else 1)
    # An empty text is no record.
    texts = [text for text in strings(options.count, options.seed) if text]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        models = options.models + (list(trained(options.train, place)) if options.train else []) + (list(kinds(place)) if options.kinds else [])
        for model in models:
            different, undone = differences(options.excise, model, texts)
            print(f"{model}: {different} of {len(texts)} texts differ, {undone} groups decode differently", flush=True)
            failed = failed or different > 0 or undone > 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
