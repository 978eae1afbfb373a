"""Writes patch/: a base, a result, and the patch between them, as Formats/patch.md says, by code that shares nothing with Excise.

    python make_patch_fixture.py

Blocks are Zstandard frames that are not compressed, or one byte repeated. A tensor of
each width, with NaNs, infinities, zeros of both signs and denormals; one that is added, one that is removed, one that stays.
"""
import json
import random
import struct
from hashlib import sha256
from pathlib import Path

from content_digest import leaf, root

WORDS = 1 << 18
WIDTHS = {"U8": 1, "F8_E4M3": 1, "F4": 1, "BF16": 2, "F16": 2, "F32": 4, "C64": 4, "F64": 8, "I64": 8}
BITS = {"F4": 4, "C64": 64}


def frame(content):
    """One Zstandard frame with one block, which is not compressed or one byte repeated (RFC 8878)."""
    head = b"\x28\xb5\x2f\xfd\xa0" + len(content).to_bytes(4, "little")
    if len(set(content)) == 1:
        return head + (len(content) << 3 | 3).to_bytes(3, "little") + content[:1]
    return head + (len(content) << 3 | 1).to_bytes(3, "little") + content


def difference(before, after, width):
    limit = 1 << 8 * width
    frames, changed = [], 0
    for start in range(0, len(before), WORDS * width):
        turned = []
        for at in range(start, min(start + WORDS * width, len(before)), width):
            old, new = (int.from_bytes(side[at:at + width], "little") for side in (before, after))
            d = (new - old) % limit
            turned.append(2 * d if d < limit // 2 else 2 * (limit - d) - 1)
        changed += sum(z != 0 for z in turned)
        planes = b"".join(bytes(z >> 8 * plane & 255 for z in turned) for plane in range(width))
        frames.append(frame(planes) if any(turned) else b"")
    if not changed:
        return b"", 0
    return b"".join(frames) + b"".join(len(f).to_bytes(4, "little") for f in frames), changed


def safetensors(tensors, metadata):
    """The reference writer's wording: compact, metadata first, spaces up to a multiple of 8."""
    header, end = {"__metadata__": metadata}, 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for *_, data in tensors)


def patch(base, result):
    """Both sides: name -> (dtype, shape, bytes)."""
    parts, entries, unchanged = [], [], []
    for name in [*base, *(name for name in result if name not in base)]:
        dtype, shape, some = base.get(name) or result[name]
        before, after = (side[name][2] if name in side else bytes(len(some)) for side in (base, result))
        if name in base and name in result and before == after:
            unchanged.append({"name": name, "leaf": leaf(name.encode(), dtype.encode(), shape, before).hex()})
            continue
        data, changed = difference(before, after, WIDTHS[dtype])
        digest = lambda side, data: sha256(data).hexdigest() if name in side else None
        entries.append({"name": name, "kind": "difference", "dtype": dtype, "shape": shape, "before": digest(base, before),
                        "after": digest(result, after), "changed_words": changed})
        if changed:
            parts.append((name, "U8", [len(data)], data))
    content = lambda side: root([leaf(name.encode(), dtype.encode(), shape, data)
                                 for name, (dtype, shape, data) in sorted(side.items(), key=lambda item: item[0].encode())]).hex()
    manifest = {"version": 1, "tool": {"name": "excise", "version": "by hand"}, "base": {"content_digest": content(base)},
                "result": {"content_digest": content(result)}, "recipe_sha256": None, "edits": {"before": [], "after": []},
                "metadata": [{"name": "by", "before": None, "after": "hand"}], "tensors": entries, "unchanged": unchanged}
    metadata = {"format": "excise-patch", "excise.patch.sha256": "0" * 64,
                "excise.patch": json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)}
    metadata["excise.patch.sha256"] = sha256(safetensors(parts, metadata)).hexdigest()
    return safetensors(parts, metadata)


def main():
    draw = random.Random(7)
    special = {2: [0x7F81, 0xFF80, 0x8000, 0x0001, 0x7FFF], 4: [0x7F800001, 0xFF800000, 1 << 31, 1, 0x7FC12345], 8: [0x7FF << 52 | 1, 1 << 63, 1]}
    base, result = {}, {}
    for dtype, width in WIDTHS.items():
        words = special.get(width, []) + [draw.getrandbits(8 * width) for _ in range(20)]
        changed = [word if draw.random() < 0.4 else (word + draw.randrange(-3, 4)) % (1 << 8 * width) if draw.random() < 0.7 else
                   draw.choice(special.get(width, [0])) for word in words]
        if dtype == "C64" and len(words) % 2:
            words, changed = words[1:], changed[1:]
        shape = [len(words) * 8 * width // BITS.get(dtype, 8 * width)]
        for side, values in (base, words), (result, changed):
            side[f"of.{dtype}"] = (dtype, shape, b"".join(value.to_bytes(width, "little") for value in values))
    base["stays"] = result["stays"] = ("BF16", [2, 2], bytes(range(8)))
    base["goes"] = ("F32", [3], struct.pack("<3f", 1, -0.0, 2))
    result["comes"] = ("F16", [2, 1], b"\1\2\3\4")
    result["comes.as.zeros"] = ("U8", [5], bytes(5))
    folder = Path(__file__).parent / "patch"
    folder.mkdir(exist_ok=True)
    for name, side, metadata in ("base", base, {"format": "pt"}), ("result", result, {"format": "pt", "by": "hand"}):
        (folder / f"{name}.safetensors").write_bytes(safetensors([(key, *value) for key, value in side.items()], metadata))
    (folder / "patch.safetensors").write_bytes(patch(base, result))
    # Two blocks, of which the first is the same on both sides.
    large = {"w": ("U8", [WORDS + 3], bytes(WORDS + 3))}
    (folder / "patch-of-two-blocks.safetensors").write_bytes(patch(large, {"w": ("U8", [WORDS + 3], bytes(WORDS) + b"\1\1\1")}))


if __name__ == "__main__":
    main()
