#!/usr/bin/env python3
"""Compares Excise with the reference reader of safetensors on Tests/Fixtures/malformed and odd, and exits with 1 where they differ
from what cases.json says of them.

    pip install safetensors==0.8.0
    python Tests/parity/safetensors.py EXCISE

Every malformed file: `excise inspect` refuses it for the reason recorded; the reference does with it what is recorded. Every odd file: Excise reads it,
and where the reference does too, both find the same tensors. Last, a header of nearly 100 MB with 10^6 tensors, and what it takes to read.
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

# This file's own name must not hide the package.
sys.path = [place for place in sys.path if pathlib.Path(place or ".").resolve() != pathlib.Path(__file__).resolve().parent]
import safetensors  # noqa: E402

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"


def reference(path):
    """Names, dtypes and shapes of a file; None where the reference refuses it."""
    try:
        return sorted((name, info["dtype"], info["shape"]) for name, info in safetensors.deserialize(path.read_bytes()))
    except Exception:  # Its own error and others, by version.
        return None


def ours(excise, path):
    """Excise's report, and the same as `reference`."""
    run = subprocess.run([excise, "inspect", str(path), "--tensors", "--json"], capture_output=True)
    report = json.loads(run.stdout)
    if run.returncode != 0:
        return report, None
    return report, sorted((tensor["name"], tensor["dtype"], tensor["shape"]) for tensor in report["tensors"])


def differences(excise, folder):
    document = json.loads((FIXTURES / folder / "cases.json").read_text())
    if document["reference"] != f"safetensors {safetensors.__version__}":
        print(f"{folder}: verdicts were recorded with {document['reference']}; this is {safetensors.__version__}")
    for case in document["cases"]:
        path = FIXTURES / folder / case["file"]
        theirs, (report, found) = reference(path), ours(excise, path)
        if (theirs is None) != (case["reference"] == "rejects"):
            yield f"{path.name}: the reference was said to be one that {case['reference']} it"
        if folder == "malformed" and report.get("error", {}).get("kind") != case["kind"]:
            yield f"{path.name}: expected {case['kind']}, found {report.get('error')}"
        if folder == "odd" and (found is None or (theirs is not None and theirs != found)):
            yield f"{path.name}: the reference reads {theirs}, Excise {found or report.get('error')}"
        if folder == "odd" and [warning["kind"] for warning in report.get("warnings", [])] != case["warnings"]:
            yield f"{path.name}: expected the warnings {case['warnings']}, found {report.get('warnings')}"


def large(excise, count=1_000_000):
    """A large header is read whole before the byte behind its last tensor shows; with peak memory as a multiple of its size."""
    header = ("{" + ",".join(f'"model.layers.{index:07}.self_attn.q_proj":{{"dtype":"U8","shape":[1],"data_offsets":[{index},{index + 1}]}}'
                             for index in range(count)) + "}").encode()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "large.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(count + 1))
        start = time.monotonic()
        process = subprocess.Popen([excise, "inspect", str(path), "--json"], stdout=subprocess.PIPE)
        report = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = usage.ru_maxrss * 1024
        print(f"a header of {len(header) / 1e6:.0f} MB, {count} tensors: {time.monotonic() - start:.1f} s, peak memory {peak / 1e6:.0f} MB")
        if report["error"]["kind"] != "trailing-bytes":
            yield f"expected trailing-bytes, found {report['error']}"
        if peak > 4 * len(header):
            yield "that is more than four times the header"


def main():
    excise = sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)
    failed = 0
    for name, found in [("malformed", differences(excise, "malformed")), ("odd", differences(excise, "odd")), ("large header", large(excise))]:
        found = list(found)
        print(f"{name}: {len(found)} differences", *found, sep="\n  ")
        failed += len(found)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
