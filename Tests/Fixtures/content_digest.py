"""The content digest of a checkpoint, computed apart from Excise: what ContentDigestTests compares with.

    python content_digest.py DIRECTORY_OR_FILE

A leaf is SHA-256 of 0x00, the name's length (u64 little-endian) and its bytes, the dtype's name and a zero byte, the rank and
the dimensions (u64 each), and SHA-256 of the tensor's bytes. Leaves are sorted by the names' bytes. An inner node is SHA-256
of 0x01 and its two children; a last node without a sibling moves up as it is. Without a tensor: SHA-256 of nothing.
"""
import json
import struct
import sys
from hashlib import sha256
from pathlib import Path


def tensors(path):
    """Name, dtype, shape and bytes of every tensor of a safetensors file."""
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    for name, info in json.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            yield name.encode(), info["dtype"].encode(), info["shape"], data[start + begin:start + end]


def leaf(name, dtype, shape, data):
    words = struct.pack(f"<{1 + len(shape)}Q", len(shape), *shape)
    return sha256(b"\0" + struct.pack("<Q", len(name)) + name + dtype + b"\0" + words + sha256(data).digest()).digest()


def root(nodes):
    if len(nodes) < 2:
        return nodes[0] if nodes else sha256().digest()
    # The largest power of two that is less than the number of nodes stands on the left.
    split = 1 << (len(nodes) - 1).bit_length() - 1
    return sha256(b"\1" + root(nodes[:split]) + root(nodes[split:])).digest()


def main():
    path = Path(sys.argv[1])
    files = sorted(path.glob("model*.safetensors")) if path.is_dir() else [path]
    print(root([leaf(*tensor) for tensor in sorted(tensor for file in files for tensor in tensors(file))]).hex())


if __name__ == "__main__":
    main()
