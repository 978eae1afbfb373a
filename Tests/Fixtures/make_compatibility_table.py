#!/usr/bin/env python3
"""Writes Sources/Tokenizers/CompatibilityTable.swift: what Unicode's compatibility decomposition does to single characters.

    python Tests/Fixtures/make_compatibility_table.py

Of the characters that Unicode 9 has (the file ages.txt is not needed: later ones are passed over by age when the table is used),
those whose NFKD is not their NFD. A line is `first-last: text`, where the characters from first to last map to consecutive ones.
"""

import pathlib
import unicodedata


def main():
    entries = []
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        character = chr(point)
        full = unicodedata.normalize("NFKD", character)
        if full != unicodedata.normalize("NFD", character):
            entries.append((point, [ord(one) for one in full]))
    runs = []
    for point, target in entries:
        if runs and len(target) == 1 and runs[-1][1] == point - 1 and len(runs[-1][2]) == 1 and target[0] == runs[-1][2][0] + point - runs[-1][0]:
            runs[-1][1] = point
        else:
            runs.append([point, point, target])
    words = [(f"{first:X}" if first == last else f"{first:X}-{last:X}") + ":" + ",".join(f"{one:X}" for one in target) for first, last, target in runs]
    lines, line = [], ""
    for word in words:
        if len(line) + 1 + len(word) > 126:
            lines.append(line)
            line = ""
        line += (" " if line else "") + word
    lines.append(line)
    path = pathlib.Path(__file__).parents[2] / "Sources" / "Tokenizers" / "CompatibilityTable.swift"
    path.write_text('''/// Made by Tests/Fixtures/make_compatibility_table.py.
enum CompatibilityTable {
    /// Characters and what they decompose to, as `first-last:targets`; of a run of characters, the target of the first one.
    static let entries = """
''' + "".join(f"        {line} \\\n" for line in lines[:-1]) + f'        {lines[-1]}\n        """\n}}\n', encoding="utf-8")
    print(path, len(entries), "characters,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
