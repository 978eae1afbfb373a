#!/usr/bin/env python3
"""Makes the files that the safetensors reader is held to: malformed/ (each must be refused) and odd/ (each must be read).

    python Tests/Fixtures/make_malformed_safetensors.py

Each folder's cases.json says of every file what is wrong or odd about it, which row of the table of hostile cases it belongs to
(1 length missing, 2 length too large, 3 length 0, 4 UTF-8, 5 strings, 6 JSON, 7 nesting, 8 file size, 9 tiling, 10 size, 11 overflow, 12 shape,
13 offsets, 14 dtype, 15 missing, 16 repeated field, 17 partial byte, 18 metadata, 19 repeated tensor, 20 repeated metadata, 21 unknown field,
22 positional description, 23 null metadata, 24 leading space, 25 names and rank, 26 size of the header, 27 Git LFS, 28 changing files), the kind of our error
or "valid", and what the reference implementation does, which Tests/parity/safetensors.py checks. Files that must be huge, sparse or
changing (2, 25, 26, 28) are made by the tests.
"""

import json
import pathlib
import struct

REFERENCE = "safetensors 0.8.0"
DATA = bytes(range(1, 65))
MALFORMED, ODD = [], []


def file(header, count=0, length=None):
    """A file of this header and so many bytes of data; `length` lies about the header's."""
    header = header.encode("utf-8", "surrogatepass") if isinstance(header, str) else header
    return struct.pack("<Q", len(header) if length is None else length) + header + DATA[:count]


def fields(dtype='"F32"', shape="[2]", offsets="[0,8]"):
    return f'"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}'


def tensor(name="a", dtype='"F32"', shape="[2]", offsets="[0,8]"):
    return f'"{name}":{{{fields(dtype, shape, offsets)}}}'


def one(*arguments, **named):
    return "{" + tensor(*arguments, **named) + "}"


def u8(name, begin, end):
    return tensor(name, '"U8"', f"[{end - begin}]", f"[{begin},{end}]")


def bad(row, name, kind, description, content, reference="rejects"):
    MALFORMED.append((row, name, kind, description, content, reference))


def odd(row, name, description, content, tensors, warnings=(), reference="accepts"):
    """`tensors` are names, dtypes and shapes in the order of their bytes."""
    ODD.append((row, name, description, content, tensors, warnings, reference))


GOOD = one()
A = ["a", "F32", [2]]
ZERO = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'

# 1-3: the length
for count in (0, 1, 7):
    bad(1, f"{count}-bytes", "truncated-file", f"a file of {count} bytes, fewer than the length takes", b"\2" * count)
bad(2, "length-beyond-file", "truncated-file", "a header one byte longer than the file", file("{}", length=3))
bad(2, "length-at-limit", "truncated-file", "a header of 100,000,000 bytes in a file of ten", file("{}", length=100_000_000))
for name, length in [("limit-and-one", 100_000_001), ("2-32", 1 << 32), ("2-63", 1 << 63), ("2-63-less-one", (1 << 63) - 1),
                     ("2-64-less-one", (1 << 64) - 1), ("2-64-less-eight", (1 << 64) - 8)]:
    bad(2, f"length-{name}", "header-too-large", f"a header of {length} bytes", file("{}", length=length))
for name, content in [("html", b"<!DOCTYPE html><html><body>Not Found</body></html>"), ("zip", b"PK\3\4\x14\0\0\0\10\0" + bytes(22)),
                      ("pickle", b"\x80\2}q\0(X\5\0\0\0weightq\1K\1u."), ("gguf", b"GGUF\3\0\0\0" + bytes(16)), ("json", GOOD.encode())]:
    bad(2, f"{name}-instead", "header-too-large", f"a file of another kind: {name}", content)
for count in (0, 1, 64):
    bad(3, f"empty-header-{count}", "empty-header", f"a header of no bytes before {count} bytes of data", file("", count))

# 4: UTF-8
bad(4, "byte-order-mark", "not-an-object", "a byte order mark before the object", file("\ufeff" + GOOD, 8))
for name, text in [("stray-byte", b"\xff"), ("continuation", b"\x80"), ("overlong-nul", b"\xc0\x80"), ("overlong-slash", b"\xe0\x80\xaf"),
                   ("surrogate", b"\xed\xa0\x80"), ("surrogate-pair", b"\xed\xa0\xbd\xed\xb8\x80"), ("beyond-unicode", b"\xf4\x90\x80\x80"),
                   ("half-character", b"\xc3"), ("latin-1", "é".encode("latin-1"))]:
    bad(4, f"name-{name}", "json-syntax", f"a name with bytes that are not UTF-8: {name}", file(one("?").encode().replace(b"?", text), 8))
bad(4, "metadata-stray-byte", "json-syntax", "metadata with a byte that is not UTF-8", file(b'{"__metadata__":{"a":"\xff"}}'))
bad(4, "padding-stray-byte", "json-syntax", "padding with a byte that is not UTF-8", file(GOOD.encode() + b"\xff", 8))
bad(4, "utf-16", "json-syntax", "a header in UTF-16", file(GOOD.encode("utf-16"), 8))
bad(4, "utf-16-unmarked", "json-syntax", "a header in UTF-16 without a mark: { is followed by U+0000", file(GOOD.encode("utf-16-le"), 8))

# 5: strings
for name, text in [("high-half", r"\ud800"), ("low-half", r"\udc00"), ("halves-swapped", r"\udc00\ud800"), ("half-and-letter", r"\ud800\u0041"),
                   ("two-high-halves", r"\ud800\ud800"), ("unknown-escape", r"\x61"), ("escaped-quote-mark", r"\'"), ("bad-digits", r"\u00g0"),
                   ("short-escape", r"\u41"), ("signed-digits", r"\u+041"), ("raw-nul", "\0"), ("raw-one", "\1"), ("raw-newline", "\n"), ("raw-tab", "\t")]:
    bad(5, f"name-{name}", "json-syntax", f"a name with a string's fault: {name}", file(one(text), 8))
for name, text in [("high-half", r"\ud800"), ("raw-newline", "\n"), ("unknown-escape", r"\q")]:
    bad(5, f"metadata-{name}", "json-syntax", f"metadata with a string's fault: {name}", file(f'{{"__metadata__":{{"a":"{text}"}}}}'))
    bad(5, f"dtype-{name}", "json-syntax", f"a dtype with a string's fault: {name}", file(one(dtype=f'"F32{text}"'), 8))

# 6: JSON
for name, text in [("array", "[]"), ("null", "null"), ("number", "1"), ("string", '"a"'), ("true", "true"), ("only-space", "        "),
                   ("closing-brace", "}"), ("no-break-space", "\u00a0{}"), ("comment-first", "/**/{}"), ("array-of-object", "[{}]")]:
    bad(6, f"top-{name}", "not-an-object", f"a header that is no object: {name}", file(text))
for name, text in [("second-object", "{}{}"), ("second-object-spaced", "{} {}"), ("open-brace", "{}{"), ("letter", "{} x"), ("comma", "{},"), ("comment", "{}//"),
                   ("nul", "{}\0"), ("nul-padding", "{}\0\0\0\0\0\0"), ("form-feed", "{}\f"), ("vertical-tab", "{}\v"), ("no-break-space", "{}\u00a0")]:
    bad(6, f"after-{name}", "json-syntax", f"something behind the object: {name}", file(text))
for name, text, count in [
    ("trailing-comma", "{" + tensor() + ",}", 8), ("leading-comma", "{," + tensor() + "}", 8), ("double-comma", "{" + u8("a", 0, 4) + ",," + u8("b", 4, 8) + "}", 8),
    ("missing-comma", "{" + u8("a", 0, 4) + " " + u8("b", 4, 8) + "}", 8), ("only-comma", "{,}", 0), ("missing-colon", '{"a" {}}', 0),
    ("two-colons", '{"a"::{}}', 0), ("equals", '{"a"={}}', 0), ("missing-value", '{"a":}', 0), ("only-name", '{"a"}', 0), ("unclosed", "{", 0),
    ("unclosed-member", GOOD[:-1], 8), ("unclosed-string", '{"a', 0), ("unclosed-escape", '{"a\\', 0), ("unclosed-unicode", '{"a\\u00', 0),
    ("single-quotes", GOOD.replace('"', "'"), 8), ("bare-name", '{a:' + ZERO + "}", 0), ("number-name", '{1:' + ZERO + "}", 0),
    ("null-name", '{null:' + ZERO + "}", 0), ("comment", "{/* */" + tensor() + "}", 8), ("line-comment", "{//\n" + tensor() + "}", 8),
    ("hash-comment", "{#\n" + tensor() + "}", 8), ("wrong-bracket", '{"a":{]}', 0), ("wrong-bracket-shape", one(shape="[2}"), 8),
    ("closing-bracket", '{"a":]}', 0), ("description-trailing-comma", "{\"a\":{" + fields() + ",}}", 8), ("description-comment", "{\"a\":{/**/" + fields() + "}}", 8),
    ("description-missing-comma", one().replace(',"shape"', ' "shape"'), 8), ("description-single-quotes", one(dtype="'F32'"), 8),
    ("description-cut", '{"a":{"dtype":"F32","shape":[2],"data_of', 8), ("two-values", '{"a":' + ZERO + ZERO + "}", 0),
    ("shape-trailing-comma", one(shape="[2,]"), 8), ("shape-leading-comma", one(shape="[,2]"), 8), ("shape-missing-comma", one(shape="[1 2]"), 8),
    ("shape-nan", one(shape="[NaN]"), 8), ("shape-infinity", one(shape="[Infinity]"), 8), ("shape-hexadecimal", one(shape="[0x2]"), 8),
    ("dtype-bare", one(dtype="F32"), 8), ("value-upper-case", '{"a":NULL}', 0), ("value-cut", '{"a":nul}', 0),
    ("metadata-trailing-comma", '{"__metadata__":{"a":"b",}}', 0), ("metadata-missing-colon", '{"__metadata__":{"a" "b"}}', 0),
    ("metadata-two-strings", '{"__metadata__":{"a":"b" "c"}}', 0), ("metadata-bare-name", '{"__metadata__":{a:"b"}}', 0),
    ("metadata-single-quotes", "{\"__metadata__\":{'a':\"b\"}}", 0), ("metadata-twice-closed", '{"__metadata__":{}}}', 0),
]:
    bad(6, name, "json-syntax", f"not JSON: {name}", file(text, count))
bad(6, "metadata-value-single-quotes", "metadata", "metadata whose value is in single quotes", file("{\"__metadata__\":{\"a\":'b'}}"))

# 7: nesting
for depth in (3, 4, 64, 127, 128, 5000):
    bad(7, f"shape-depth-{depth}", "json-syntax", f"a shape of {depth} nested arrays", file(one(shape="[" * depth + "]" * depth), 8))
bad(7, "shape-depth-unclosed", "json-syntax", "a shape of 5,000 arrays that never end", file('{"a":{"shape":' + "[" * 5000))
bad(7, "object-depth-200", "json-syntax", "a description of 200 nested objects", file('{"a":' * 200 + "{}" + "}" * 200))
bad(7, "metadata-depth-200", "metadata", "metadata of 200 nested objects", file('{"__metadata__":' + '{"a":' * 200 + "{}" + "}" * 200 + "}"))
bad(7, "top-depth-5000", "not-an-object", "5,000 nested arrays", file("[" * 5000 + "]" * 5000))

# 8: the file's size
bad(8, "stray-byte", "trailing-bytes", "no tensor, but a byte of data", file("{}", 1))
bad(8, "stray-data", "trailing-bytes", "metadata only, but eight bytes of data", file('{"__metadata__":{"format":"pt"}}', 8))
bad(8, "longer", "trailing-bytes", "a byte behind the last tensor", file(GOOD, 9))
bad(8, "twice-as-long", "trailing-bytes", "the data is there twice", file(GOOD, 16))
bad(8, "shorter", "truncated-file", "the last byte is missing", file(GOOD, 7))
bad(8, "no-data", "truncated-file", "all of the data is missing", file(GOOD))
bad(8, "second-missing", "truncated-file", "the second tensor's bytes are missing", file("{" + u8("a", 0, 4) + "," + u8("b", 4, 8) + "}", 4))
bad(8, "zero-size-stray-byte", "trailing-bytes", "a tensor of no bytes, but a byte of data", file('{"a":' + ZERO + "}", 1))

# 9: tiling
for name, kind, text, count in [
    ("late-start", "offset-gap", "{" + u8("a", 4, 8) + "}", 8), ("late-zero-size", "offset-gap", "{" + tensor("a", '"U8"', "[0]", "[4,4]") + "}", 4),
    ("gap", "offset-gap", "{" + u8("a", 0, 4) + "," + u8("b", 5, 7) + "}", 7), ("gap-unsorted", "offset-gap", "{" + u8("b", 5, 7) + "," + u8("a", 0, 4) + "}", 7),
    ("zero-size-behind-gap", "offset-gap", "{" + u8("a", 0, 4) + "," + tensor("b", '"U8"', "[0]", "[5,5]") + "}", 4),
    ("same-place", "offset-overlap", "{" + u8("a", 0, 4) + "," + u8("b", 0, 4) + "}", 4),
    ("same-place-and-more", "offset-overlap", "{" + u8("a", 0, 4) + "," + u8("b", 0, 4) + "," + u8("c", 4, 8) + "}", 8),
    ("overlap", "offset-overlap", "{" + u8("a", 0, 4) + "," + u8("b", 3, 7) + "}", 7), ("inside", "offset-overlap", "{" + u8("a", 0, 8) + "," + u8("b", 2, 6) + "}", 8),
    ("same-start", "offset-overlap", "{" + u8("a", 0, 4) + "," + u8("b", 0, 8) + "}", 8), ("same-end", "offset-overlap", "{" + u8("a", 0, 8) + "," + u8("b", 4, 8) + "}", 8),
    ("zero-size-inside", "offset-overlap", "{" + u8("a", 0, 4) + "," + tensor("b", '"U8"', "[0]", "[2,2]") + "}", 4),
    ("swapped", "offsets", "{" + tensor("a", '"U8"', "[4]", "[4,0]") + "}", 4), ("swapped-zero-size", "offsets", "{" + tensor("a", '"U8"', "[0]", "[1,0]") + "}", 0),
    ("relative-to-file", "offset-gap", one(offsets="[64,72]"), 8),
]:
    bad(9, name, kind, f"tensors that do not tile the data: {name}", file(text, count))

# 10: size against shape
for name, dtype, shape in [("one-less", "F32", "[1]"), ("one-more", "F32", "[3]"), ("product", "F32", "[2,2]"), ("scalar", "F32", "[]"), ("zero", "F32", "[0]"),
                           ("zero-product", "F32", "[2,0]"), ("wider-type", "F64", "[2]"), ("narrower-type", "BF16", "[2]"), ("bits-for-bytes", "F4", "[8]"),
                           ("complex", "C64", "[2]"), ("billion", "F32", "[1000000000]")]:
    bad(10, name, "size-mismatch", f"eight bytes for {dtype} {shape}", file(one("a", f'"{dtype}"', shape), 8))
bad(10, "zero-bytes", "size-mismatch", "no bytes for F32 [2]", file(one(offsets="[0,0]")))

# 11: overflow
for name, shape in [("product-2-64", "[4294967296,4294967296]"), ("largest-dimension", "[9223372036854775806]"), ("bits-2-66", "[2305843009213693952]"),
                    ("zero-last", "[4294967296,4294967296,0]"), ("many-dimensions", "[256,256,256,256,256,256,256,256,256]"),
                    ("wraps-to-two", "[9223372036854775805,6148914691236517206]"), ("wraps-to-size", "[4611686018427387905,2]")]:
    bad(11, name, "size-overflow", f"eight bytes for F32 {shape}", file(one(shape=shape), 8))
for name, shape in [("zero-first", "[0,4294967296,4294967296]"), ("zero-between", "[4294967296,0,4294967296]")]:
    bad(11, name, "size-overflow", f"no bytes for F32 {shape}: the dimensions beside the zero overflow", file(one(shape=shape, offsets="[0,0]")), "accepts")
bad(11, "offsets-beyond-files", "offsets", "a tensor of no bytes at 2^63 - 8", file(one("a", '"U8"', "[0]", "[9223372036854775800,9223372036854775800]")))
bad(11, "offsets-beyond-file", "truncated-file", "a tensor of 2^40 bytes", file(one("a", '"U8"', "[1099511627776]", "[0,1099511627776]"), 8))

# 12: the shape
for name, shape, kind in [
    ("negative", "[-2]", "not-a-natural"), ("two-negatives", "[-1,-2]", "not-a-natural"), ("fraction", "[2.0]", "not-a-natural"), ("exponent", "[2e0]", "not-a-natural"),
    ("half", "[2.5]", "not-a-natural"), ("huge-exponent", "[1e400]", "not-a-natural"), ("string", '["2"]', "not-a-natural"), ("null-element", "[null]", "not-a-natural"),
    ("true-element", "[true]", "not-a-natural"), ("nested", "[[2]]", "json-syntax"), ("nested-empty", "[[]]", "not-a-natural"), ("object-element", "[{}]", "not-a-natural"),
    ("minus-zero", "[-0]", "json-syntax"), ("leading-zero", "[02]", "json-syntax"), ("negative-leading-zero", "[-02]", "json-syntax"), ("plus", "[+2]", "json-syntax"),
    ("point-last", "[2.]", "json-syntax"), ("point-first", "[.5]", "json-syntax"), ("underscore", "[1_0]", "json-syntax"), ("only-minus", "[-]", "json-syntax"),
    ("beyond-signed", "[9223372036854775808]", "json-syntax"), ("beyond-unsigned", "[18446744073709551616]", "json-syntax"),
    ("beyond-unsigned-by-two", "[18446744073709551618]", "json-syntax"), ("forty-digits", "[" + "9" * 40 + "]", "json-syntax"),
    ("null", "null", "not-an-array"), ("number", "2", "not-an-array"), ("text", '"2"', "not-an-array"), ("object", "{}", "not-an-array"), ("false", "false", "not-an-array"),
]:
    bad(12, f"shape-{name}", kind, f"a shape that is no list of natural numbers: {name}", file(one(shape=shape), 8))
bad(12, "shape-minus-zero-fitting", "json-syntax", "F32 [-0] in no bytes", file(one(shape="[-0]", offsets="[0,0]")))

# 13: the offsets
for name, offsets, kind in [
    ("none", "[]", "offsets"), ("one", "[0]", "offsets"), ("three", "[0,4,8]", "offsets"), ("negative-begin", "[-8,0]", "not-a-natural"),
    ("negative-end", "[0,-8]", "not-a-natural"), ("fraction", "[0,8.0]", "not-a-natural"), ("exponent", "[0,8e0]", "not-a-natural"), ("string", '["0","8"]', "not-a-natural"),
    ("null-element", "[null,8]", "not-a-natural"), ("nested", "[[0,8]]", "json-syntax"), ("null", "null", "not-an-array"), ("object", '{"0":0}', "not-an-array"),
    ("number", "8", "not-an-array"), ("minus-zero", "[-0,8]", "json-syntax"), ("leading-zero", "[00,8]", "json-syntax"), ("beyond-unsigned", "[0,18446744073709551624]", "json-syntax"),
]:
    bad(13, f"offsets-{name}", kind, f"offsets that are no begin and end: {name}", file(one(offsets=offsets), 8))

# 14: the dtype
for name, dtype in [("unknown", '"F99"'), ("lower-case", '"f32"'), ("empty", '""'), ("space-before", '" F32"'), ("space-behind", '"F32 "'), ("nul-behind", r'"F32\u0000"'),
                    ("other-name", '"float32"'), ("pytorch", '"torch.float32"'), ("mixed-case", '"Bf16"'), ("full-width", '"Ｆ32"'), ("number", "5"), ("null", "null"),
                    ("array", '["F32"]'), ("object", '{"F32":null}'), ("true", "true")]:
    # A unit variant may be written as an object in the reference's JSON library.
    bad(14, f"dtype-{name}", "dtype", f"a dtype there is not: {name}", file(one(dtype=dtype), 8), "accepts" if name == "object" else "rejects")

# 15: missing
for name, kind, text in [
    ("dtype", "missing-field", '{"a":{"shape":[2],"data_offsets":[0,8]}}'), ("shape", "missing-field", '{"a":{"dtype":"F32","data_offsets":[0,8]}}'),
    ("offsets", "missing-field", '{"a":{"dtype":"F32","shape":[2]}}'), ("all", "missing-field", '{"a":{}}'), ("null-description", "not-an-object", '{"a":null}'),
    ("number-description", "not-an-object", '{"a":1}'), ("text-description", "not-an-object", '{"a":"F32"}'), ("false-description", "not-an-object", '{"a":false}'),
]:
    bad(15, f"missing-{name}", kind, f"a description without what it must have: {name}", file(text, 8))

# 16: repeated fields
for name, text in [("dtype", '"dtype":"F32",' + fields()), ("dtype-differently", '"dtype":"F64",' + fields()), ("shape", '"shape":[2],' + fields()),
                   ("offsets", '"data_offsets":[0,8],' + fields()), ("escaped", r'"\u0064type":"F32",' + fields()), ("last", fields() + ',"shape":[1]')]:
    bad(16, f"repeated-{name}", "duplicate-name", f"a field that is there twice: {name}", file('{"a":{' + text + "}}", 8))
for name, first in [("", '"__metadata__":{},'), ("-differently", '"__metadata__":{"b":"c"},'), ("-escaped", r'"\u005f_metadata__":{},')]:
    bad(16, f"repeated-metadata{name}", "duplicate-name", "__metadata__ is there twice", file("{" + first + tensor() + ',"__metadata__":{}}', 8))

# 17: partial bytes
for dtype, count in [("F4", 1), ("F4", 3), ("F6_E2M3", 1), ("F6_E3M2", 2), ("F6_E2M3", 3), ("F6_E3M2", 5)]:
    bits = count * (4 if dtype == "F4" else 6)
    bad(17, f"partial-{dtype.lower().replace('_', '-')}-{count}", "partial-byte", f"{count} elements of {dtype}: {bits} bits",
        file(one("a", f'"{dtype}"', f"[{count}]", f"[0,{-(-bits // 8)}]"), -(-bits // 8)))

# 18, 23: metadata
for name, value in [("number", "1"), ("string", '"pt"'), ("array", "[]"), ("pairs", '[["a","b"]]'), ("true", "true")]:
    bad(18, f"metadata-{name}", "metadata", f"__metadata__ that is no object: {name}", file(f'{{"__metadata__":{value}}}'))
for name, value in [("number", "1"), ("object", "{}"), ("array", "[]"), ("null", "null"), ("false", "false"), ("nothing", "")]:
    bad(18, f"metadata-value-{name}", "metadata", f"__metadata__ with a value that is no string: {name}", file(f'{{"__metadata__":{{"a":{value}}}}}'))
bad(18, "metadata-later-value", "metadata", "__metadata__ whose second value is no string", file('{"__metadata__":{"a":"1","b":false}}'))
bad(18, "metadata-as-tensor", "metadata", "a tensor named __metadata__", file(one("__metadata__"), 8))
bad(23, "metadata-null", "metadata", "__metadata__ that is null", file('{"__metadata__":null}'), "accepts")

# 19-22: what the reference lets pass
for name, text in [
    ("identical", u8("a", 0, 4) + "," + u8("a", 0, 4)), ("differently-typed", u8("a", 0, 4) + "," + tensor("a", '"I8"', "[4]", "[0,4]")),
    ("escaped", u8("a", 0, 4) + "," + u8(r"\u0061", 0, 4)), ("escaped-first", u8(r"\u0061", 0, 4) + "," + u8("a", 0, 4)),
    ("empty", u8("", 0, 4) + "," + u8("", 0, 4)), ("surrogate-pair", u8("😀", 0, 4) + "," + u8(r"\ud83d\ude00", 0, 4)), ("nul", u8(r"\u0000", 0, 4) + "," + u8(r"\u0000", 0, 4)),
    ("apart", tensor("a", '"U8"', "[0]", "[0,0]") + "," + u8("b", 0, 4) + "," + tensor("a", '"U8"', "[0]", "[4,4]")),
]:
    bad(19, f"twice-{name}", "duplicate-name", f"a tensor's name is there twice: {name}", file("{" + text + "}", 4), "accepts")
bad(19, "twice-side-by-side", "duplicate-name", "a tensor's name is there twice, for two places", file("{" + u8("a", 0, 2) + "," + u8("a", 2, 4) + "}", 4))
for name, text in [("identical", '"k":"1","k":"1"'), ("differently", '"k":"1","k":"2"'), ("escaped", r'"k":"1","\u006b":"1"')]:
    bad(20, f"metadata-twice-{name}", "duplicate-name", f"an entry of __metadata__ is there twice: {name}", file(f'{{"__metadata__":{{{text}}}}}'), "accepts")
for name, text in [("number", '"crc":1'), ("null", '"strides":null'), ("capital", '"Dtype":"F32"'), ("empty", '"":0'), ("array", '"x":[1]'), ("comment", '"__comment__":"x"')]:
    bad(21, f"unknown-field-{name}", "unknown-field", f"a description with an unknown field: {name}", file('{"a":{' + fields() + "," + text + "}}", 8), "accepts")
bad(22, "positional", "not-an-object", "a description as an array", file('{"a":["F32",[2],[0,8]]}', 8), "accepts")
bad(22, "positional-short", "not-an-object", "a description as an array of two", file('{"a":["F32",[2]]}', 8))

# 25: rank
bad(25, "rank-65", "rank", "a tensor of 65 dimensions", file(one("a", '"U8"', "[" + ",".join("1" * 65) + "]", "[0,1]"), 1), "accepts")
bad(25, "rank-1000", "rank", "a tensor of 1,000 dimensions", file(one("a", '"U8"', "[" + ",".join("1" * 1000) + "]", "[0,1]"), 1), "accepts")

# 27: Git LFS
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
bad(27, "git-lfs-pointer", "lfs-pointer", "a Git LFS pointer in place of the file", POINTER)
bad(27, "git-lfs-pointer-crlf", "lfs-pointer", "a Git LFS pointer whose lines end in CR LF", POINTER.replace(b"\n", b"\r\n"))

# Odd but valid
odd(8, "no-tensors", "neither tensors nor metadata", file("{}"), [])
odd(8, "no-tensors-padded", "no tensors, padded to eight bytes", file("{}      "), [])
odd(8, "only-metadata", "metadata without tensors", file('{"__metadata__":{"format":"pt"}}'), [])
odd(8, "empty-metadata", "metadata of no entries", file('{"__metadata__":{},' + tensor() + "}", 8), [A])
odd(18, "metadata-last", "metadata behind the tensors", file("{" + tensor() + ',"__metadata__":{"a":"b"}}', 8), [A])
odd(18, "metadata-odd-names", "metadata with an empty name, a name of its own, and U+0000", file(r'{"__metadata__":{"":"","__metadata__":"x","\u0000":"\u0000"}}'), [])
odd(18, "metadata-escapes", "metadata with every escape", file(r'{"__metadata__":{"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}}'), [])
odd(18, "metadata-spelled-with-escapes", "__metadata__ by another spelling", file(r'{"\u005f_metadata__":{"a":"b"},' + tensor() + "}", 8), [A])
odd(6, "padded-with-spaces", "spaces behind the object", file(GOOD + "   ", 8), [A])
odd(6, "padded-with-lines", "all of JSON's white space behind the object", file(GOOD + "\n\t\r ", 8), [A])
odd(24, "leading-space", "a space before the object", file(" " + GOOD, 8), [A], ["leading-whitespace"])
odd(24, "leading-lines", "all of JSON's white space before the object", file("\n\t\r " + GOOD, 8), [A], ["leading-whitespace"])
odd(6, "spread-out", "white space wherever JSON has it", file(' { "a" : { "dtype" : "F32" , "shape" : [ 2 ] ,\n"data_offsets"\t:\r[ 0 , 8 ] } } '[1:], 8), [A])
odd(6, "fields-in-other-order", "a description's fields in another order", file('{"a":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"}}', 8), [A])
odd(6, "escaped-fields", "fields and dtype spelled with escapes", file(r'{"a":{"\u0064type":"\u004632","sh\u0061pe":[2],"data_offsets":[0,8]}}', 8), [A])
odd(9, "other-order", "the header's order is not the data's", file("{" + u8("b", 4, 6) + "," + u8("a", 0, 4) + "}", 6), [["a", "U8", [4]], ["b", "U8", [2]]])
odd(9, "unaligned", "an F64 tensor at an odd place", file("{" + u8("a", 0, 3) + "," + tensor("b", '"F64"', "[1]", "[3,11]") + "}", 11), [["a", "U8", [3]], ["b", "F64", [1]]])
odd(9, "unaligned-header", "a header of an odd length", file(one("ab"), 8), [["ab", "F32", [2]]])
odd(9, "zero-size-everywhere", "tensors without a byte before, between and behind others",
    file("{" + ",".join([u8("c", 0, 4), u8("f", 4, 8)] + [tensor(name, '"F32"', shape, f"[{place},{place}]") for name, shape, place in
                        [("a", "[0]", 0), ("b", "[3,0,2]", 0), ("d", "[0]", 4), ("e", "[0,0]", 4), ("g", "[0]", 8)]]) + "}", 8),
    [["a", "F32", [0]], ["b", "F32", [3, 0, 2]], ["c", "U8", [4]], ["d", "F32", [0]], ["e", "F32", [0, 0]], ["f", "U8", [4]], ["g", "F32", [0]]])
odd(10, "zero-size-large", "a tensor of no bytes beside a large dimension", file(one(shape="[0,4294967296]", offsets="[0,0]")), [["a", "F32", [0, 4294967296]]])
odd(10, "scalar", "a tensor of rank 0", file(one(shape="[]", offsets="[0,4]"), 4), [["a", "F32", []]])
odd(17, "whole-bytes", "sub-byte elements that fill whole bytes", file(
    "{" + ",".join([tensor("a", '"F4"', "[2]", "[0,1]"), tensor("b", '"F6_E2M3"', "[4]", "[1,4]"), tensor("c", '"F6_E3M2"', "[2,2]", "[4,7]"), tensor("d", '"F4"', "[0]", "[7,7]")]) + "}", 7),
    [["a", "F4", [2]], ["b", "F6_E2M3", [4]], ["c", "F6_E3M2", [2, 2]], ["d", "F4", [0]]])
WIDTHS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
          "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}
for dtype, width in WIDTHS.items():
    odd(14, f"dtype-{dtype.lower().replace('_', '-')}", f"four elements of {dtype}", file(one("a", f'"{dtype}"', "[4]", f"[0,{width // 2}]"), width // 2), [["a", dtype, [4]]])
odd(25, "rank-64", "a tensor of 64 dimensions", file(one("a", '"U8"', "[" + ",".join("1" * 64) + "]", "[0,1]"), 1), [["a", "U8", [1] * 64]])
for name, written, text in [
    ("empty", "", ""), ("space", " ", " "), ("nul", r"\u0000", "\0"), ("nul-inside", r"a\u0000b", "a\0b"), ("path", "../../etc/passwd", "../../etc/passwd"),
    ("escape-sequence", r"\u001b[2J", "\x1b[2J"), ("delete", "\x7f", "\x7f"), ("quotes", r"\"\\\/", "\"\\/"), ("looks-escaped", r"\\u0061", "\\u0061"),
    ("surrogate-pair", r"\ud83d\ude00", "😀"), ("surrogate-pair-of-halves", r"\ud834\udc04", "\U0001d004"), ("emoji", "😀", "😀"), ("right-to-left", "\u202ea", "\u202ea"),
    ("byte-order-mark", "\ufeffa", "\ufeffa"), ("no-character", "\uffff", "\uffff"), ("prototype", "__proto__", "__proto__"), ("nearly-metadata", "__metadata__ ", "__metadata__ "),
    ("long", "x" * 4096, "x" * 4096), ("line-separator", "\u2028", "\u2028"),
]:
    odd(25, f"name-{name}", f"a tensor's name that is unusual: {name}", file(one(written), 8), [[text, "F32", [2]]])
odd(19, "names-alike", "names that differ in bytes only: by case, by composition",
    file("{" + ",".join(u8(name, place, place + 1) for place, name in enumerate(["a", "A", "é", "e\u0301", "K", "\u212a"])) + "}", 6),
    [[name, "U8", [1]] for name in ["a", "A", "é", "e\u0301", "K", "\u212a"]])
odd(10, "not-a-number", "values that are no numbers, and a boolean of 255", struct.pack("<Q", 131) + (
    "{" + tensor("a", '"F32"', "[2]", "[0,8]") + "," + tensor("b", '"BOOL"', "[1]", "[8,9]") + "}").ljust(131).encode() + struct.pack("<2IB", 0x7FC00000, 0xFF800000, 255),
    [A, ["b", "BOOL", [1]]])


def save(folder, contents, cases):
    place = pathlib.Path(__file__).resolve().parent / folder
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    for name, content in contents:
        (place / name).write_bytes(content)
    lines = ",\n    ".join(json.dumps(case) for case in cases)
    (place / "cases.json").write_text(f'{{\n  "reference": "{REFERENCE}",\n  "cases": [\n    {lines}\n  ]\n}}\n')


def main():
    def name(row, text):
        return f"{row:02}-{text}.safetensors"

    for cases in (MALFORMED, ODD):
        names = [name(case[0], case[1]) for case in cases]
        assert len(names) == len(set(names)), "two cases have one name"
    save("malformed", [(name(row, text), content) for row, text, _, _, content, _ in MALFORMED],
         [{"file": name(row, text), "row": row, "description": description, "kind": kind, "reference": reference}
          for row, text, kind, description, _, reference in MALFORMED])
    save("odd", [(name(row, text), content) for row, text, _, content, _, _, _ in ODD],
         [{"file": name(row, text), "row": row, "description": description, "kind": "valid", "warnings": list(warnings), "tensors": tensors, "reference": reference}
          for row, text, description, _, tensors, warnings, reference in ODD])
    print(f"{len(MALFORMED)} malformed, {len(ODD)} odd")


if __name__ == "__main__":
    main()
