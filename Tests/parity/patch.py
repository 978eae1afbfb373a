"""Measures `excise patch` beside a plain copy of the same bytes, and patches' sizes beside Zstandard's.

    python patch.py EXCISE_BINARY [--gigabytes G] [--threads N] [--repeats N]

Makes a BF16 checkpoint of so many gigabytes in a temporary directory, and one in which every weight moved by 1 % of their spread. Then, in turns,
with both files in the page cache, as medians over the repeats:
  copy    cp of the checkpoint, then sync of the copy
  create  the whole command: both are read and digested, the patch is written
  apply   the whole command: the base is read and digested, so is the result, which is written and synced
Prints seconds of wall clock and of processor time, and the bytes of the patch beside those of `zstd -19` of one changed tensor, where there
is a zstd. On a machine that does other work only the processor times mean much. Exits 1 where the result is not the edited checkpoint.
"""
import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent))  # behind all packages: the runner keeps this folder off the path
from diff import SHAPE, bf16, floats, write


def timed(command):
    """Seconds of wall clock, and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("excise")
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    base = [bf16((0.02 * random.standard_normal(SHAPE)).astype(np.float32)) for _ in range(2)]
    edited = [bf16(floats(tensor) + (0.0002 * random.standard_normal(SHAPE)).astype(np.float32)) for tensor in base]
    count = max(1, round(arguments.gigabytes * 1e9 / base[0].nbytes))
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        a, b, p, out = (folder / name for name in ["a.safetensors", "b.safetensors", "p.safetensors", "out"])
        write(a, base, count)
        write(b, edited, count)
        patch = [arguments.excise, "patch"]
        common = ["--threads", str(arguments.threads), "--progress", "none", "--force"]
        commands = {
            "copy": ["sh", "-c", f"cp '{a}' '{folder}/copy' && sync '{folder}/copy'"],
            "create": [*patch, "create", a, b, "--output", p, *common],
            "apply": [*patch, "apply", a, p, "--output", out, *common],
        }
        times = {name: [] for name in commands}
        for _ in range(arguments.repeats):
            for name, command in commands.items():
                times[name].append(timed(command))
        for name, figures in times.items():
            wall, processor = (statistics.median(column) for column in zip(*figures))
            print(f"{name:7} {wall:6.2f} s, {processor:6.2f} s of processor time, {a.stat().st_size / 1e6 / wall:6.0f} MB/s")
        print(f"patch   {p.stat().st_size} bytes, {p.stat().st_size / b.stat().st_size:.1%} of what changed")
        if shutil.which("zstd"):
            (folder / "tensor").write_bytes(edited[0][:256].tobytes())
            size = len(subprocess.run(["zstd", "-19", "-c", folder / "tensor"], check=True, capture_output=True).stdout)
            print(f"zstd    {size / edited[0][:256].nbytes:.1%} of what changed, -19, of a part")
        same = (out / "model.safetensors").read_bytes() == b.read_bytes()
        print("the result is the edited checkpoint" if same else "THE RESULT IS NOT THE EDITED CHECKPOINT")
        sys.exit(not same)


if __name__ == "__main__":
    main()
