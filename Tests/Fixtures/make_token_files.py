#!/usr/bin/env python3
"""Makes token-files/: the same token ids as NumPy, safetensors, gzip and zstd write them.

    pip install numpy==2.4.6 safetensors==0.8.0
    python Tests/Fixtures/make_token_files.py        (and the zstd program)
"""

import gzip
import pathlib
import subprocess

import numpy as np
from safetensors.numpy import save_file

OUTPUT = pathlib.Path(__file__).parent / "token-files"
ROWS = [[5, 6, 7, 8], [9, 10, 11, 12], [60, 59, 58, 57]]


def save(name, array, version=None):
    with open(OUTPUT / name, "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=False)


def main():
    OUTPUT.mkdir(exist_ok=True)
    for descr in ["<i4", "<i8", "<u2", "<u4", "<u8", "|u1", "|i1", "<i2"]:
        save(f"rows-{descr[1:]}.npy", np.array(ROWS, dtype=descr))
    for version in [(1, 0), (2, 0), (3, 0)]:
        save(f"version-{version[0]}.npy", np.array(ROWS[0], dtype="<i4"), version)
    save("float.npy", np.array(ROWS, dtype="<f4"))
    save("big-endian.npy", np.array(ROWS, dtype=">i4"))
    save("fortran.npy", np.asfortranarray(np.array(ROWS, dtype="<i4")))
    save("fields.npy", np.array([(1, 2)], dtype=[("a", "<i4"), ("b", "<i4")]))
    save("scalar.npy", np.array(5, dtype="<i4"))
    # What numpy.save makes of a list of unlike rows, where one insists.
    np.save(OUTPUT / "object.npy", np.array([[5, 6], [7]], dtype=object), allow_pickle=True)
    save_file({"b": np.array(ROWS[2], dtype="<i8"), "a": np.array(ROWS[:2], dtype="<u2")}, OUTPUT / "named.safetensors")
    (OUTPUT / "named.safetensors").chmod(0o644)
    for name in ["rows-i4.npy", "named.safetensors"]:
        contents = (OUTPUT / name).read_bytes()
        (OUTPUT / (name + ".gz")).write_bytes(gzip.compress(contents, mtime=0))
        subprocess.run(["zstd", "-q", "-f", OUTPUT / name, "-o", OUTPUT / (name + ".zst")], check=True)


if __name__ == "__main__":
    main()
