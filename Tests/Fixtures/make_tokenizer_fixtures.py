#!/usr/bin/env python3
"""Makes tokenizers/kinds.json: small tokenizers, one for each kind and flag, and what Hugging Face tokenizers does with them;
and tokenizers/sentencepiece.json, the same for models of SentencePiece.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python Tests/Fixtures/make_tokenizer_fixtures.py

The file holds `models` by name, `texts`, and `tokenizers`. One of those is `definition` (a tokenizer.json without its model),
the name of its `model`, `changes` to the members of that, and the expected `ids` and `ids_with_special_tokens` of each text;
then `decoded`: ids, their text, and their text without special tokens. The other file has `texts` and `models`, each with its
`name`, the `model` in base64, `ids` by text, and `decoded`. Where EXCISE_SHARED and EXCISE_SMOLLM2 name the folders of real models, it
also makes tokenizers/samples.json: hard strings of Tests/parity/tokenizers.py, and by model's name their ids.
"""

import base64
import importlib.util
import json
import math
import os
import pathlib
import random
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as messages
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on.",
    "It is the end of the year 2024; they'll pay 12345 dollars, we've been told.",
    "for (int i = 0; i < 100; i++) { printf(\"%d\\n\", i); }",
    "Where there is a will there is a way, isn't there?  There  is.",
    "naïve café déjà vu, Straße, Ünïcödé",
]

TEXTS = [
    "", " ", "  ", "\n", "a", "the", " the", "the  dog", "the dog ", "\tthe\r\n\r\n dog\n",
    "I'LL pay  12345 €\n\n  ok don't\u3000x", "they'll THEY'LL 'ſ x'K we've isn't",
    "1234567 ½ ² Ⅷ ٣٤ 五 ① \U00011DE0\U00016FF4 \U00016D70",
    "naïve nai\u0308ve cafe\u0301 \u1E9B\u0323 \u212B \u0958 \u0F73\u059F \u1100\u1161\u11A8 \U000105D2\u0307",
    "日本語 한국어 العربية हिन्दी ไทย עִבְרִית", "👩\u200d👩\u200d👧 🇩🇪 👍🏽", "\ufeff\x00\x01\x7f\x80\u200b\u180e\u2028",
    "\U0001D804\U0002EBF0\U00031350\U0001E5D0\u1C89\uA7DA", "<0x41><0xE2><s>▁▁the ▁ dog", "aaaaaaaaaaaaaaaaaaaaaaaa",
    "            the", "the            ", "\n \n \n  x", "€€€éé€é", "a€bé€", "x=1;y=[2,3];z={4:5}//\\#%&@~`^",
    "<s>the</s> <s> dog", "the [A] dog[A][A]  [A]x[AB] [ABC", "xB By B aB B\u0301 B_B-B\u200dB\u00b2 B", "  [L]  x [R]  y  [LR]  [R] [L]",
    "\x01\u200bx\u200d\r\ny\r\n\u0301\u2581 ﬁ ① ｶﾞ ㌀ ǆ \u1100\u1161 \u0344 \u1E9B\u0323 İI ΑΣ Σ", "ab  cab ab<sep>ab the<sep>  ", "  <ctl>  <s>x</s>  ",
    "  日本ゴジラーー カタカナ, the Ελλάδα!  \u0589\u061c\u0953 हि\u0953 \U0002B820\U0002B920 \u08e2\u1df6 \ue000a\ue000\u0378 ॐ", "\ue000 \u0378", "a\u166d\u1734\u1885\u1886\ua9bd\U000111c9\U0001171e\u1cf2\u1cf3b", "the-final--countdown-", "--a--", "-", "Éte\u0301 \u00c9T\u00c9",
]


def train_bytes():
    """Byte-level, with merges across spaces, so that its ids show where a text was cut."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(SENTENCES * 2, trainers.BpeTrainer(vocab_size=380, min_frequency=2, initial_alphabet=alphabet, show_progress=False))
    return json.loads(tokenizer.to_str())["model"]


def train_characters():
    """Like SentencePiece: characters and ▁, and a token for each byte."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.train_from_iterator(SENTENCES * 2, trainers.BpeTrainer(vocab_size=150, min_frequency=2, limit_alphabet=60, show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += [token for token in model["vocab"]]
    model["vocab"] = {token: index for index, token in enumerate(tokens)}
    model.update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return model


def count_unigrams():
    """Single characters, and what is met often of the sentences' words, by how often it is met. (The library's trainer differs each time.)"""
    counts = {}
    for word in " ".join(SENTENCES).replace(" ", " ▁").split(" "):
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + 6) + 1):
                counts[word[start:end]] = counts.get(word[start:end], 0) + 1
    kept = sorted(((text, count) for text, count in counts.items() if (len(text) == 1 and text not in "ïé{") or count > 2), key=lambda one: (-one[1], one[0]))
    total = sum(count for _, count in kept)
    vocab = [["<unk>", 0.0]] + [[text, math.log(count / total)] for text, count in kept]
    return dict(type="Unigram", unk_id=0, byte_fallback=False, vocab=vocab + [[f"<0x{byte:02X}>", -20.0] for byte in (0xC3, 0xA9, 0xE2, 0x82, 0xAC)])


def join_affixes(prefix="", suffix=""):
    """Merges that put words together from the left, of symbols with a prefix or a suffix. (The library's trainer differs each time.)"""
    vocab, merges = {"<unk>": 0}, []
    for word in sorted(set(" ".join(SENTENCES).split(" ")), key=lambda word: (len(word), word)):
        symbols = [prefix * (place > 0) + letter + suffix * (place == len(word) - 1) for place, letter in enumerate(word)]
        joined = ""
        for symbol in symbols:
            vocab.setdefault(symbol, len(vocab))
            vocab.setdefault(prefix * (symbol != symbols[0]) + symbol.removeprefix(prefix).removesuffix(suffix), len(vocab))
            if joined and len(word) < 6 and [joined, symbol] not in merges:
                merges.append([joined, symbol])
            joined += symbol.removeprefix(prefix) if joined else symbol
            if len(word) < 6:
                vocab.setdefault(joined, len(vocab))
    return dict(type="BPE", unk_token="<unk>", continuing_subword_prefix=prefix or None, end_of_word_suffix=suffix or None, vocab=vocab, merges=merges)


RULES = {"ﬁ": "fi", "①": "1", "e\u0301": "é", "\u0301": "", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\x01": "", "ｶﾞ": "ガ", "ｶ": "カ", "I": "i", "Σ": "σ", "\u200b": " "}


def train_sentence_piece(**options):
    """A model of SentencePiece, trained on the sentences, with rules of our own: those that it brings with it are large."""
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "text").write_text("\n".join(SENTENCES * 3), encoding="utf-8")
        if options.pop("rules", False):
            codes = lambda text: " ".join(f"{ord(one):X}" for one in text)
            (place / "rules").write_text("".join(f"{codes(source)}\t{codes(target)}\n" for source, target in RULES.items()), encoding="utf-8")
            options["normalization_rule_tsv"] = str(place / "rules")
        else:
            options["normalization_rule_name"] = "identity"
        options = dict(dict(vocab_size=120, model_type="bpe", num_threads=1, minloglevel=3, hard_vocab_limit=False), **options)
        sentencepiece.SentencePieceTrainer.train(input=str(place / "text"), model_prefix=str(place / "model"), **options)
        model = messages.ModelProto.FromString((place / "model.model").read_bytes())
        # Where it was trained is in it, and no part of its meaning.
        del model.trainer_spec.input[:]
        model.trainer_spec.ClearField("model_prefix")
        model.normalizer_spec.ClearField("normalization_rule_tsv")
        return model.SerializeToString()


def sentence_pieces():
    """Name and model of each."""
    yield "bpe, bytes", train_sentence_piece(vocab_size=400, byte_fallback=True, remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True)
    yield "bpe, rules, symbols, suffix", train_sentence_piece(rules=True, user_defined_symbols=["<sep>", "ab", "▁▁"], control_symbols=["<ctl>"], treat_whitespace_as_suffix=True)
    yield "bpe, no prefix, spaces kept", train_sentence_piece(add_dummy_prefix=False, remove_extra_whitespaces=False, unk_surface="?")
    yield "unigram", train_sentence_piece(model_type="unigram", vocab_size=90, rules=True)
    yield "unigram, bytes, symbols", train_sentence_piece(model_type="unigram", vocab_size=350, byte_fallback=True, rules=True, user_defined_symbols=["<sep>", "ab"], add_dummy_prefix=False)
    yield "unigram, denormalized", denormalized(train_sentence_piece(model_type="unigram", vocab_size=90))


def denormalized(serialized):
    model = messages.ModelProto.FromString(serialized)
    with_rules = messages.ModelProto.FromString(train_sentence_piece(rules=True))
    model.denormalizer_spec.precompiled_charsmap = with_rules.normalizer_spec.precompiled_charsmap
    model.denormalizer_spec.add_dummy_prefix = False
    model.denormalizer_spec.remove_extra_whitespaces = False
    model.denormalizer_spec.escape_whitespaces = False
    return model.SerializeToString()


def few_bytes(model):
    """The same, with few byte tokens, and with merges that the unknown token and bytes take part in."""
    model = json.loads(json.dumps(model))
    kept = [token for token in model["vocab"] if not token.startswith("<0x") or token in ("<0xC3>", "<0xA9>", "<0x21>")]
    kept += ["<unk>t", "<0xC3><0xA9>", "e<unk>"]
    model["vocab"] = {token: index for index, token in enumerate(kept)}
    model["merges"] = [["<unk>", "t"], ["<0xC3>", "<0xA9>"], ["e", "<unk>"]] + model["merges"]
    return model


def added(content, **flags):
    token = dict(content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    token.update(flags)
    return token


BYTE_LEVEL = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)
WORDS = dict(BYTE_LEVEL, use_regex=True)
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
EXPRESSIONS = dict(
    llama3=LLAMA3,
    qwen35=LLAMA3.replace(r"\p{L}+", r"[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]"),
    gpt4o=(r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
           r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
           r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
    cl100k=(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"),
    deepseek=r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+",
    cjk=r"[一-龥぀-ゟ゠-ヿ]+",
    lines=r"^.|.$",
    lookbehind=r"(?<=\d)\D|(?<!e)\s|(?>a+)a|\S\x{301}|\u00e9",
    counts=r"[a-c]{2}|e{,1}x|\d{3,}?|(?:t|th|the)(?=[^r])",
    empty=r"\s*",
)


def definitions(models):
    plain = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None)
    sentence_piece_decoder = dict(type="Sequence", decoders=[
        dict(type="Replace", pattern=dict(String="▁"), content=" "), dict(type="ByteFallback"), dict(type="Fuse"),
        dict(type="Strip", content=" ", start=1, stop=0)])

    def one(name, model, changes=None, **parts):
        return dict(name=name, model=model, changes=changes or {}, definition=dict(plain, **parts))

    bos = dict(id="<s>", ids=[models["bytes"]["vocab"]["s"]], tokens=["<s>"])
    yield one("byte-level, prefix space, template", "bytes", pre_tokenizer=dict(WORDS, add_prefix_space=True), decoder=WORDS, post_processor=dict(
        type="TemplateProcessing", special_tokens={"<s>": bos, "</s>": dict(id="</s>", ids=[1, 2], tokens=["a", "b"])},
        single=[dict(SpecialToken=dict(id="<s>", type_id=0)), dict(Sequence=dict(id="A", type_id=0)), dict(SpecialToken=dict(id="</s>", type_id=0))],
        pair=[dict(Sequence=dict(id="A", type_id=0)), dict(Sequence=dict(id="B", type_id=1))]))
    yield one("byte-level without cutting, merges as strings", "bytes", dict(merges=[" ".join(pair) for pair in models["bytes"]["merges"]]), pre_tokenizer=BYTE_LEVEL)
    for individual in (True, False):
        yield one(f"digits {individual}", "bytes", pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=individual), BYTE_LEVEL]))
    for name, expression in EXPRESSIONS.items():
        split = dict(type="Split", pattern=dict(Regex=expression), behavior="Isolated", invert=False)
        yield one(f"expression {name}", "bytes", pre_tokenizer=dict(type="Sequence", pretokenizers=[split, BYTE_LEVEL]))
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            split = dict(type="Split", pattern=dict(String="-") if not invert else dict(Regex="[- e]|th"), behavior=behavior, invert=invert)
            yield one(f"split {behavior} {invert}", "bytes", pre_tokenizer=dict(type="Sequence", pretokenizers=[split, BYTE_LEVEL]))
    yield one("ignored merges, NFC", "bytes", dict(ignore_merges=True, merges=models["bytes"]["merges"][:20]), normalizer=dict(type="NFC"), pre_tokenizer=dict(WORDS), decoder=dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True))

    for scheme in ("always", "first", "never"):
        for split in (True, False):
            metaspace = dict(type="Metaspace", replacement="▁", prepend_scheme=scheme, split=split)
            yield one(f"metaspace {scheme} {split}", "characters", pre_tokenizer=metaspace, decoder=metaspace, added_tokens=[dict(added("<s>", special=True), id=1), dict(added("</s>", rstrip=True), id=2)])
    yield one("old llama", "characters", added_tokens=[dict(added(token, special=True), id=index) for index, token in enumerate(["<unk>", "<s>", "</s>"])], normalizer=dict(
        type="Sequence", normalizers=[dict(type="Prepend", prepend="▁"), dict(type="Replace", pattern=dict(String=" "), content="▁")]), decoder=sentence_piece_decoder,
        post_processor=dict(type="Sequence", processors=[BYTE_LEVEL, dict(type="TemplateProcessing", special_tokens={"<s>": dict(id="<s>", ids=[1], tokens=["<s>"])},
        single=[dict(SpecialToken=dict(id="<s>", type_id=0)), dict(Sequence=dict(id="A", type_id=0))], pair=[dict(Sequence=dict(id="A", type_id=0)), dict(Sequence=dict(id="B", type_id=1))])]))
    yield one("gemma", "characters", normalizer=dict(type="Replace", pattern=dict(String=" "), content="▁"),
              pre_tokenizer=dict(type="Split", pattern=dict(String=" "), behavior="MergedWithPrevious", invert=False),
              decoder=dict(type="Sequence", decoders=sentence_piece_decoder["decoders"][:3]))
    for fuse in (True, False):
        yield one(f"few bytes, fused {fuse}", "few bytes", dict(fuse_unk=fuse), decoder=dict(type="ByteFallback"))
        yield one(f"no bytes, fused {fuse}", "few bytes", dict(fuse_unk=fuse, byte_fallback=False), decoder=dict(type="Fuse"))
    yield one("no unknown token", "few bytes", dict(unk_token=None, byte_fallback=False), decoder=dict(type="Sequence", decoders=[dict(type="Fuse"), dict(type="Strip", content="e", start=2, stop=1)]))
    yield one("replaced by expression", "characters", normalizer=dict(type="Replace", pattern=dict(Regex=r"[\s\p{P}]*"), content="▁"),
              decoder=dict(type="Replace", pattern=dict(Regex="[▁e]+"), content="_"))

    for normalizer in (["NFD"], ["NFKC"], ["NFKD"], ["StripAccents"], ["NFD", "StripAccents", "Lowercase"], ["Lowercase"], ["Nmt"], ["ByteLevel"]):
        yield one(f"normalizer {' '.join(normalizer)}", "bytes", normalizer=dict(type="Sequence", normalizers=[dict(type=kind) for kind in normalizer]), pre_tokenizer=BYTE_LEVEL if normalizer != ["ByteLevel"] else None)
    for left, right in ((True, True), (True, False), (False, True)):
        yield one(f"normalizer Strip {left} {right}", "bytes", normalizer=dict(type="Strip", strip_left=left, strip_right=right), pre_tokenizer=BYTE_LEVEL)
    for accents, flags in ((None, (True, True, True)), (None, (False, True, False)), (True, (True, False, False)), (False, (True, True, True))):
        bert = dict(zip(("clean_text", "handle_chinese_chars", "lowercase"), flags), type="BertNormalizer", strip_accents=accents)
        yield one(f"normalizer BertNormalizer {accents} {flags}", "bytes", normalizer=bert, pre_tokenizer=BYTE_LEVEL)
    charsmap = base64.b64encode(messages.ModelProto.FromString(train_sentence_piece(rules=True)).normalizer_spec.precompiled_charsmap).decode()
    precompiled = dict(type="Precompiled", precompiled_charsmap=charsmap)
    yield one("normalizer Precompiled", "bytes", normalizer=precompiled, pre_tokenizer=BYTE_LEVEL)
    for behavior in ("Isolated", "Removed", "Contiguous"):
        yield one(f"punctuation {behavior}", "bytes", pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Punctuation", behavior=behavior), BYTE_LEVEL]))
    for pre_tokenizer in (dict(type="Whitespace"), dict(type="WhitespaceSplit"), dict(type="BertPreTokenizer"), dict(type="CharDelimiterSplit", delimiter="-"), dict(type="FixedLength", length=3), dict(type="UnicodeScripts")):
        yield one(f"pre-tokenizer {pre_tokenizer['type']}", "bytes", pre_tokenizer=dict(type="Sequence", pretokenizers=[pre_tokenizer, BYTE_LEVEL]))
    pair = dict(sep=["b", 7], cls=["a", 5])
    yield one("Bert's template", "bytes", pre_tokenizer=WORDS, post_processor=dict(type="BertProcessing", **pair), decoder=WORDS)
    yield one("Roberta's template", "bytes", pre_tokenizer=WORDS, post_processor=dict(type="Sequence", processors=[
        dict(type="RobertaProcessing", trim_offsets=True, add_prefix_space=True, **pair), dict(type="BertProcessing", **pair)]), decoder=WORDS)
    metaspace = dict(type="Metaspace", replacement="▁", prepend_scheme="always", split=True)
    for fallback in (True, False):
        yield one(f"unigram, bytes {fallback}", "unigram", dict(byte_fallback=fallback), pre_tokenizer=metaspace, decoder=metaspace)
    yield one("unigram as in T5", "unigram", normalizer=dict(type="Sequence", normalizers=[precompiled, dict(type="Strip", strip_left=False, strip_right=True), dict(type="Replace", pattern=dict(Regex=" {2,}"), content="▁")]),
              pre_tokenizer=metaspace, decoder=metaspace, added_tokens=[dict(added("<unk>", special=True), id=0), dict(added("<extra_id_0>", special=True, lstrip=True), id=len(models["unigram"]["vocab"]))])
    yield one("unigram, whole texts", "unigram", normalizer=dict(type="Replace", pattern=dict(String=" "), content="▁"), decoder=dict(type="Fuse"))
    for name in ("prefix", "suffix", "prefix and suffix"):
        yield one(f"affixes: {name}", name, pre_tokenizer=dict(type="WhitespaceSplit"),
                  decoder=dict(type="BPEDecoder", suffix="</w>") if name == "suffix" else dict(type="WordPiece", prefix="##", cleanup=name == "prefix"))
    yield one("CTC decoder", "characters", normalizer=dict(type="Replace", pattern=dict(String=" "), content="▁"), decoder=dict(type="CTC", pad_token="e", word_delimiter_token="▁", cleanup=True))

    tokens = [added("[A]", special=True), added("[AB]", normalized=True), added("B", single_word=True), added("[L]", lstrip=True, special=True),
              added("[R]", rstrip=True), added("[LR]", lstrip=True, rstrip=True, normalized=True), added("e\u0301", normalized=True, special=True), added("É")]
    identifiers = dict(models["bytes"]["vocab"])
    for token in tokens:
        token["id"] = identifiers.setdefault(token["content"], len(identifiers))
    yield one("added tokens", "bytes", normalizer=dict(type="NFC"), pre_tokenizer=WORDS, decoder=WORDS, added_tokens=tokens)
    yield one("added tokens, no normalizer", "bytes", pre_tokenizer=WORDS, decoder=None, added_tokens=tokens)
    yield one("added tokens, prepended", "characters", normalizer=dict(type="Prepend", prepend="▁"), decoder=sentence_piece_decoder,
              added_tokens=[dict(added("<s>", normalized=True, special=True), id=1), dict(added("dog", normalized=True), id=len(models["characters"]["vocab"]))])


def main():
    by_name = dict(bytes=train_bytes(), characters=train_characters())
    by_name["few bytes"] = few_bytes(by_name["characters"])
    by_name["unigram"] = count_unigrams()
    by_name["prefix"] = join_affixes(prefix="##")
    by_name["suffix"] = join_affixes(suffix="</w>")
    by_name["prefix and suffix"] = join_affixes(prefix="##", suffix="</w>")
    chance = random.Random(1)
    written = []
    for entry in definitions(by_name):
        model = dict(by_name[entry["model"]], **entry["changes"])
        tokenizer = Tokenizer.from_str(json.dumps(dict(entry["definition"], model=model)))
        entry["ids"] = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
        with_special = [tokenizer.encode(text).ids for text in TEXTS]
        entry["ids_with_special_tokens"] = with_special if with_special != entry["ids"] else None
        known = sorted(set(tokenizer.get_vocab().values()))
        sequences = entry["ids"][8:11] + entry["ids"][13:19] + entry["ids"][26:30] + [[chance.choice(known) for _ in range(12)] for _ in range(6)]
        if entry["definition"]["decoder"] is None:
            sequences = sequences[-2:]
        entry["decoded"] = [dict(ids=ids, text=tokenizer.decode(ids, skip_special_tokens=False), unspecial=tokenizer.decode(ids)) for ids in sequences if ids]
        written.append(entry)
    path = pathlib.Path(__file__).parent / "tokenizers" / "kinds.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(models=by_name, texts=TEXTS, tokenizers=written), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(path, path.stat().st_size, "bytes,", len(written), "tokenizers")
    make_sentence_pieces()
    if "EXCISE_SHARED" in os.environ and "EXCISE_SMOLLM2" in os.environ:
        make_samples(pathlib.Path(os.environ["EXCISE_SHARED"]), pathlib.Path(os.environ["EXCISE_SMOLLM2"]))


def make_samples(shared, smollm2):
    specification = importlib.util.spec_from_file_location("parity", pathlib.Path(__file__).parents[1] / "parity" / "tokenizers.py")
    parity = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(parity)
    texts = [text for text in (text[:32] for text in parity.strings(600, 7)) if len(text) > 4][:150]
    ids = {}
    for name, folder in dict(gpt2=shared / "data/tokenizers/gpt2", qwen2=shared / "data/tokenizers/qwen2", smollm2=smollm2, stories260K=shared / "models/stories260K").items():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        ids[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    path = pathlib.Path(__file__).parent / "tokenizers" / "samples.json"
    path.write_text(json.dumps(dict(texts=texts, ids=ids), separators=(",", ":")) + "\n", encoding="utf-8")
    print(path, path.stat().st_size, "bytes")


def make_sentence_pieces():
    chance = random.Random(2)
    written = []
    for name, model in sentence_pieces():
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        ids = [processor.encode(text) for text in TEXTS]
        sequences = ids[5:11] + ids[13:19] + [[chance.randrange(len(processor)) for _ in range(12)] for _ in range(8)] + [[1, 2], [0, 1, 0]]
        decoded = [dict(ids=one, text=processor.decode(one)) for one in sequences if one]
        written.append(dict(name=name, model=base64.b64encode(model).decode(), ids=ids, decoded=decoded))
    path = pathlib.Path(__file__).parent / "tokenizers" / "sentencepiece.json"
    path.write_text(json.dumps(dict(texts=TEXTS, models=written), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(path, path.stat().st_size, "bytes,", len(written), "models")


if __name__ == "__main__":
    main()
