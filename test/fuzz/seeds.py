#!/usr/bin/env python3
# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the inputs that a fuzzer starts from: seeds.py npy|safetensors|index FOLDER."""

import json
import os
import struct
import sys


def npy(descr, shape, data, version=1, fortran=False, pad=b"\n"):
    """A well-formed .npy file."""
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + pad
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def safetensors(header, data):
    """A safetensors file with this header, JSON text or an object."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    """What a header says of one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


SEEDS = {
    "npy": [
        npy("<f4", (2, 3), bytes(24)),
        npy("<f2", (), bytes(2), pad=b" " * 20 + b"\n"),
        npy("|b1", (3,), b"\0\1\0", version=2),
        npy("<i8", (0, 4), b"", version=3),
        npy("<f8", (1,), bytes(8), fortran=True),
        npy(">f4", (1,), bytes(4)),
        npy("<i2", (2**62, 4), bytes(16)),
    ],
    "safetensors": [
        safetensors({}, b""),
        safetensors({"a": tensor("F32", [2], 0, 8), "b": tensor("BF16", [1, 1], 8, 10)}, bytes(10)),
        safetensors({"__metadata__": {"format": "pt"}, "a": tensor("BOOL", [1], 0, 1),
                     "b": tensor("F64", [1], 1, 9)}, bytes(9)),
        safetensors({"q": tensor("F8_E4M3", [4], 0, 4), "e": tensor("I64", [0], 0, 0)}, bytes(4)),
        safetensors({"a": tensor("U8", [2**62, 8], 0, 8)}, bytes(8)),
        safetensors(b'{"\\u0061":' + b"[" * 70 + b"]" * 70 + b"}", b""),
    ],
    "index": [
        json.dumps({"metadata": {"total_size": 2}, "weight_map": {"a": "s", "q": "s"}}).encode(),
        json.dumps({"weight_map": {"b": "s"}}).encode(),
        json.dumps({"weight_map": {"a": "../s"}}).encode(),
        json.dumps({"weight_map": {"a": "t"}}).encode(),
    ],
}


def main():
    """Writes each seed to a file of its own."""
    kind, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for i, seed in enumerate(SEEDS[kind]):
        with open(os.path.join(folder, f"seed{i}"), "wb") as file:
            file.write(seed)


if __name__ == "__main__":
    main()
