#!/usr/bin/env python3
"""Compares `excise tokenize` with Hugging Face tokenizers on random hard strings, and exits with 1 where they differ.

    pip install tokenizers==0.23.3
    python Tests/parity/tokenizers.py MODEL... [--excise PATH] [--count N] [--seed N]

A MODEL is a directory with a tokenizer.json. The strings mix words, code and markup with characters of all of Unicode's
planes: unassigned ones, combining marks, joiners, controls, digits, spaces, emoji, and many scripts.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

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


def differences(excise, model, texts):
    """The number of texts whose ids differ; prints the first few."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "texts.jsonl"
        data.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8", newline="")
        output = subprocess.run([excise, "tokenize", str(model), "--file", str(data), "--json"], check=True, capture_output=True).stdout
    records = json.loads(output)["records"]
    if len(records) != len(texts):
        print(f"{model}: {len(records)} records came back for {len(texts)} texts")
        return len(texts)
    # With or without special tokens is the command's choice; the ids of the text must be the same.
    plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    special = [tokenizer.encode(text).ids for text in texts]
    different = [index for index, record in enumerate(records) if record["ids"] not in (plain[index], special[index])]
    for index in different[:5]:
        print(f"{model}: {texts[index]!a}\n  expected {plain[index]}\n  found    {records[index]['ids']}")
    return len(different)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--excise", default="excise")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # An empty text is no record.
    texts = [text for text in strings(options.count, options.seed) if text]
    failed = False
    for model in options.models:
        different = differences(options.excise, model, texts)
        print(f"{model}: {different} of {len(texts)} texts differ")
        failed = failed or different > 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
