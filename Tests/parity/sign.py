"""Signs with `excise sign` and verifies with model-signing, and the other way round.

    python sign.py EXCISE_BINARY

Keys on every curve and a certificate with its chain are made anew in a temporary directory, and a model with files beside it. For each way to sign:
  - model-signing verifies what excise signed, by its API and by its command line, and excise what model-signing signed
  - both refuse the model with one bit of a tensor changed, with a file more, and with a file less; excise names the tensor or the file
  - both have the same digest for the same files
The same for a single file. Prints a line each; exits 1 where one does not hold.
"""
import argparse
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import signing, verifying
from safetensors.numpy import save_file

sys.path.append(str(Path(__file__).parent.parent / "Fixtures"))
from make_signatures import certificate, pem, public

failed = []


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what)
    if not holds:
        failed.append(what)


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def verifies(verify):
    try:
        verify()
    except Exception:
        return False
    return True


def subject(bundle):
    envelope = json.loads(bundle.read_text())["dsseEnvelope"]
    return json.loads(base64.b64decode(envelope["payload"]))["subject"]


def make_model(folder):
    (folder / "sub").mkdir(parents=True)
    draw = np.random.default_rng(1)
    for shard in range(2):
        tensors = {f"layer.{shard}.{name}": draw.standard_normal((32, 16)).astype(np.float32) for name in "ab"}
        save_file(tensors, folder / f"model-{shard}.safetensors", {"format": "pt"})
    for name in ["config.json", "sub/notes.txt", "sub-notes.txt", "é.txt", ".hidden"]:
        (folder / name).write_text(name)


def changes(folder):
    """Name, what excise should say, and what to do to a copy of the model."""
    def flip(path):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)

    return [("a tensor changed", 'tensor "layer.0.b"', lambda: flip(folder / "model-0.safetensors")),
            ("a file changed", '"config.json"', lambda: flip(folder / "config.json")),
            ("a file more", '"new.txt" is there and was not signed', lambda: (folder / "new.txt").write_text("")),
            ("a file less", '"sub/notes.txt" is missing', lambda: (folder / "sub" / "notes.txt").unlink())]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("excise")
    excise = parser.parse_args().excise
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        model = place / "model"
        make_model(model)
        keys = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
        ways = {}
        root, middle = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
        (place / "root.crt").write_bytes(certificate("Root", root, "Root", root, True, 0))
        (place / "middle.crt").write_bytes(certificate("Middle", middle, "Root", root, True, 1))
        for name, curve in keys.items():
            key = ec.generate_private_key(curve)
            file, shared, leaf = place / f"{name}.pem", place / f"{name}.pub", place / f"{name}.crt"
            file.write_bytes(pem(key))
            shared.write_bytes(public(key))
            leaf.write_bytes(certificate("Signer", key, "Middle", middle, False, 2))
            chain = [place / "middle.crt"]
            ways[f"{name} key"] = (
                ["--key", file], ["--public-key", shared], ["key", "--public_key", shared],
                lambda file=file: signing.Config().use_elliptic_key_signer(private_key=file),
                lambda shared=shared: verifying.Config().use_elliptic_key_verifier(public_key=shared))
            ways[f"{name} certificate"] = (
                ["--key", file, "--certificate", leaf, "--chain", *chain], ["--trust", place / "root.crt"],
                ["certificate", "--certificate_chain", place / "root.crt"],
                lambda file=file, leaf=leaf: signing.Config().use_certificate_signer(
                    private_key=file, signing_certificate=leaf, certificate_chain=chain),
                lambda: verifying.Config().use_certificate_verifier(certificate_chain=[place / "root.crt"]))
        command = Path(sys.executable).parent / "model_signing"
        for way, (own, check_own, check_theirs, signer, verifier) in ways.items():
            for what in [model, model / "config.json"]:
                ours, theirs = place / "ours.sig", place / "theirs.sig"
                result = run(excise, "sign", what, *own, "--output", ours, "--force", "--progress", "none")
                signer().sign(what, theirs)
                label = f"{way}, {'the folder' if what == model else 'a file'}: "
                check(result.returncode == 0, label + "excise signs " + result.stderr)
                check(verifies(lambda: verifier().verify(what, ours)), label + "model-signing verifies excise's")
                if command.exists():
                    result = run(command, "verify", check_theirs[0], what, "--signature", ours, *check_theirs[1:])
                    check(result.returncode == 0, label + "its command line does " + result.stderr)
                result = run(excise, "check-signature", what, theirs, *check_own, "--progress", "none")
                check(result.returncode == 0, label + "excise verifies model-signing's " + result.stderr)
                check(subject(ours) == subject(theirs), label + "both have the same digest")
            for name, expected, _ in changes(model):
                copy = place / "copy" / "model"
                shutil.copytree(model, copy)
                next(change for other, _, change in changes(copy) if other == name)()
                bundle = place / "model.sig"
                run(excise, "sign", model, *own, "--output", bundle, "--force", "--progress", "none")
                result = run(excise, "check-signature", copy, bundle, *check_own, "--progress", "none")
                check(result.returncode == 76 and expected in result.stderr, f"{way}, {name}: excise says so: {result.stderr.strip()}")
                check(not verifies(lambda: verifier().verify(copy, bundle)), f"{way}, {name}: model-signing refuses it too")
                shutil.rmtree(copy)
    print(f"{len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
