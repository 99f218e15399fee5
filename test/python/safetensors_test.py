"""Opens files of thema's with the safetensors package and checks the rule of their checksum without thema's code.

    python3 -m venv venv && venv/bin/pip install safetensors numpy
    venv/bin/python test/python/safetensors_test.py FILE...

Prints each tensor's name, shape and type; exits with 1 where a file breaks the rule:
`sha256` in `__metadata__` is the SHA-256 of the whole file with the digest's own 64 digits as ASCII zeros.
"""

import hashlib
import json
import struct
import sys

from safetensors.numpy import load_file


def metadata_of(data: bytes) -> dict:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]


def checksum_holds(data: bytes, digest: str) -> bool:
    own = b'"sha256":"' + digest.encode() + b'"'
    if len(digest) != 64 or data.count(own) != 1:
        return False
    blank = data.replace(own, b'"sha256":"' + b"0" * 64 + b'"')
    return hashlib.sha256(blank).hexdigest() == digest


def text_list(tensors: dict, name: str) -> list:
    offsets, text = tensors[name + ".offsets"], tensors[name].tobytes()
    return [text[a:b].decode("utf-8") for a, b in zip(offsets[:-1], offsets[1:])]


def check(path: str) -> bool:
    with open(path, "rb") as file:
        data = file.read()
    metadata = metadata_of(data)
    tensors = load_file(path)
    print(f"{path}: {metadata['thema.kind']}, format {metadata['thema.format']}")
    for name, array in sorted(tensors.items()):
        print(f"  {name} {array.shape} {array.dtype}")
    terms = text_list(tensors, "vocabulary")
    print(f"  {len(terms)} terms: {' '.join(terms[:10])}")

    whole = checksum_holds(data, metadata["sha256"])
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    fails_when_flipped = not checksum_holds(flipped, metadata["sha256"])
    print(f"  checksum {'holds' if whole else 'DOES NOT HOLD'}")
    return whole and fails_when_flipped and len(set(terms)) == len(terms)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: safetensors_test.py FILE...")
    sys.exit(0 if all([check(path) for path in sys.argv[1:]]) else 1)
