"""Measures `excise diff` beside a plain read of the same files and beside NumPy.

    python diff.py EXCISE_BINARY [--gigabytes G] [--threads N] [--repeats N]

Makes two BF16 checkpoints of so many gigabytes each in a temporary directory; every tensor of the second differs. Then, in turns, with both files
in the page cache, and as medians over the repeats:
  read    both files from start to end in pieces of a mebibyte, on one thread and on as many as Excise has
  excise  the whole command, start and table included
  numpy   the largest |d|, |d|, |A|, |B| and the cosine of each tensor, in float32 (from a memory map, a tensor at a time)
Prints seconds of wall clock and of processor time, and the ratios. On a machine that does other work only the processor times mean much.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SHAPE = (4096, 8192)


def bf16(values):
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def floats(stored):
    return (stored.astype(np.uint32) << 16).view(np.float32)


def write(path, tensors, count):
    """`count` tensors, which take turns."""
    header, end = {}, 0
    for index in range(count):
        begin, end = end, end + tensors[0].nbytes
        header[f"model.layers.{index}.mlp.up_proj.weight"] = {"dtype": "BF16", "shape": SHAPE, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for index in range(count):
            file.write(tensors[index % len(tensors)].tobytes())


def read(paths, threads):
    def part(path, start, end):
        buffer = bytearray(1 << 20)
        with open(path, "rb", buffering=0) as file:
            file.seek(start)
            while start < end:
                start += file.readinto(buffer)

    jobs = []
    for path in paths:
        size = os.path.getsize(path)
        cuts = [size * index // threads for index in range(threads + 1)]
        jobs.append([threading.Thread(target=part, args=(path, a, b)) for a, b in zip(cuts, cuts[1:])])
    for job in jobs:
        for thread in job:
            thread.start()
        for thread in job:
            thread.join()


def numpy_diff(paths):
    maps = [np.memmap(path, dtype=np.uint8, mode="r") for path in paths]
    starts = [8 + int.from_bytes(bytes(each[:8]), "little") for each in maps]
    header = json.loads(bytes(maps[0][8:starts[0]]))
    result = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        a, b = (floats(each[start + begin:start + end].view(np.uint16)) for each, start in zip(maps, starts))
        d = b - a
        norms = np.linalg.norm(d), np.linalg.norm(a), np.linalg.norm(b)
        result[name] = np.abs(d).max(), norms[0] / norms[1], a @ b / norms[1] / norms[2]
    return result


def timed(work):
    """Wall clock and processor time, of children too."""
    def processor():
        return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))

    wall, used = time.perf_counter(), processor()
    work()
    return time.perf_counter() - wall, processor() - used


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("excise")
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / name for name in ("a.safetensors", "b.safetensors")]
        base = random.standard_normal(SHAPE, dtype=np.float32) * np.float32(0.02)
        edited = base + random.standard_normal(SHAPE, dtype=np.float32) * np.float32(2e-4)
        count = max(1, round(options.gigabytes * 1e9 / (2 * base.size)))
        write(paths[0], [bf16(base)], count)
        write(paths[1], [bf16(edited)], count)
        size = sum(path.stat().st_size for path in paths)

        def excise():
            command = [options.excise, "diff", *map(str, paths), "--threads", str(options.threads), "--progress", "none"]
            if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 1:
                sys.exit("excise diff found no difference")

        works = {
            "read, one thread": lambda: read(paths, 1),
            f"read, {options.threads} threads": lambda: read(paths, options.threads),
            "excise": excise,
            "numpy": lambda: numpy_diff([str(path) for path in paths]),
        }
        times = {name: [] for name in works}
        for _ in range(options.repeats + 1):
            for name, work in works.items():
                times[name].append(timed(work))
        # The first round fills the page cache.
        medians = {name: [statistics.median(column) for column in zip(*rounds[1:])] for name, rounds in times.items()}
        print(f"{size / 1e9:.2f} GB in two files, {options.threads} threads, medians of {options.repeats}")
        for name, (wall, used) in medians.items():
            print(f"{name:18} {wall:7.2f} s  {used:7.2f} s of processor time  {size / wall / 1e9:6.2f} GB/s")
        for name in list(works)[:2]:
            print(f"excise is at {medians[name][0] / medians['excise'][0]:.2f} of the rate of {name}")
        print(f"excise is {medians['numpy'][0] / medians['excise'][0]:.1f} times as fast as numpy")


if __name__ == "__main__":
    main()
