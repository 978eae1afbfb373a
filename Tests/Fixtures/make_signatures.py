"""Writes signatures/: a small model and its signatures by model-signing, with keys and certificates to check them by.

    python make_signatures.py        (needs model-signing 1.1.1, pyOpenSSL, cryptography, numpy and safetensors)

KEYS ARE FOR TESTS ONLY: everyone has them, and each file says so. Keys and signatures are new ones each time; what is signed is the same.

  model/                  two tensors, a configuration, a file in a folder and one whose name sorts between them by bytes, not by parts
  keys/                   a key on each curve, one encrypted, and certificates: root, intermediate, leaf, one that is not for signing
  model-p256.sig ...      of the folder, by each key, and by the certificate
  file.sig                of the single file model/config.json
  shards.sig, blake2.sig  of kinds that Excise does not read
"""
import base64
import datetime
import shutil
import warnings
from pathlib import Path

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from model_signing import hashing, signing
from safetensors.numpy import save_file

FOLDER = Path(__file__).parent / "signatures"
NOTE = b"FOR TESTS ONLY. This key is public; do not sign anything with it.\n"
FROM = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


def pem(key, password=None):
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return NOTE + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def public(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(name, key, issuer, issuer_key, authority, days, digest=hashes.SHA256(), usage=True):
    """`days` after 2020 it begins to hold, for 30 days; an authority's holds for 300 years."""
    begin = FROM + datetime.timedelta(days=days)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)]) for common in (name, issuer)]
    end = begin + datetime.timedelta(days=300 * 365 if authority else 30)
    builder = x509.CertificateBuilder(*reversed(names), key.public_key(), 1 + days, begin, end)
    builder = builder.add_extension(x509.BasicConstraints(authority, None), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    builder = builder.add_extension(x509.KeyUsage(
        digital_signature=usage and not authority, content_commitment=False, key_encipherment=not authority, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False), True)
    if not authority:
        purpose = ExtendedKeyUsageOID.CODE_SIGNING if usage else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
    return builder.sign(issuer_key, digest).public_bytes(serialization.Encoding.PEM)


def main():
    warnings.simplefilter("ignore")
    shutil.rmtree(FOLDER, ignore_errors=True)
    model, keys = FOLDER / "model", FOLDER / "keys"
    (model / "sub").mkdir(parents=True)
    keys.mkdir()
    save_file({"norm.weight": np.arange(4, dtype=np.float32), "head.weight": np.arange(6, dtype=np.float16).reshape(2, 3)},
              model / "model.safetensors", {"format": "pt"})
    (model / "config.json").write_text('{"model_type": "llama"}\n')
    (model / "sub" / "notes.txt").write_text("in a folder\n")
    (model / "sub-notes.txt").write_text("beside the folder\n")

    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    private = {name: ec.generate_private_key(curve) for name, curve in curves.items()}
    for name, key in private.items():
        (keys / f"{name}.pem").write_bytes(pem(key))
        (keys / f"{name}.pub.pem").write_bytes(public(key))
    (keys / "p256-encrypted.pem").write_bytes(pem(private["p256"], b"for tests only"))
    (keys / "p256-encrypted.passphrase").write_bytes(b"for tests only\n")
    key = private["p256"]
    (keys / "p256-sec1.pem").write_bytes(NOTE + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
    (keys / "p256-compressed.pub.pem").write_bytes(compressed(key))
    (keys / "secp256k1.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256K1())))
    (keys / "rsa.pem").write_bytes(pem(rsa.generate_private_key(65537, 2048)))

    root, middle = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
    write = lambda name, data: (keys / f"{name}.crt.pem").write_bytes(data)
    write("root", certificate("Test Root", root, "Test Root", root, True, 0))
    write("intermediate", certificate("Test Intermediate", middle, "Test Root", root, True, 1))
    write("leaf", certificate("Test Signer", key, "Test Intermediate", middle, False, 2))
    write("encryption", certificate("Test Encryption", key, "Test Intermediate", middle, False, 3, usage=False))
    other = ec.generate_private_key(ec.SECP256R1())
    write("other-root", certificate("Test Root", other, "Test Root", other, True, 0))

    for name in private:
        signing.Config().use_elliptic_key_signer(private_key=keys / f"{name}.pem").sign(model, FOLDER / f"model-{name}.sig")
    by_certificate = signing.Config().use_certificate_signer(
        private_key=keys / "p256.pem", signing_certificate=keys / "leaf.crt.pem", certificate_chain=[keys / "intermediate.crt.pem"])
    by_certificate.sign(model, FOLDER / "model-certificate.sig")
    by_key = lambda: signing.Config().use_elliptic_key_signer(private_key=keys / "p256.pem")
    by_key().sign(model / "config.json", FOLDER / "file.sig")
    by_key().set_hashing_config(hashing.Config().use_shard_serialization()).sign(model, FOLDER / "shards.sig")
    by_key().set_hashing_config(hashing.Config().use_file_serialization(hashing_algorithm="blake2")).sign(model, FOLDER / "blake2.sig")


def compressed(key):
    """The public key with its point in the short form, which `cryptography` does not write."""
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    bits = b"\x03" + bytes([len(point) + 1]) + b"\0" + point
    der = b"\x30" + bytes([len(algorithm) + len(bits)]) + algorithm + bits
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"


if __name__ == "__main__":
    main()
