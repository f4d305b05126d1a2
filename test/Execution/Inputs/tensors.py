"""Writes tensors for tests, well-formed ones and others.

usage: tensors.py FILE.npy DTYPE SHAPE [VALUES]
       tensors.py FILE.safetensors NAME:DTYPE:SHAPE[:VALUES]...

SHAPE is 2x3, or "scalar"; VALUES are 1,2,3, repeated as often as needed (default:
0,1,2,...). DTYPE is a name of safetensors: F64, F32, F16, BF16, I64, I32, U8; one it
does not know is written with a byte an element.
"""

import itertools
import json
import math
import struct
import sys

FORMATS = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "U8": "B"}
NPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "|u1"}


def tensor(dtype, shape, values=None):
    """Returns (shape, bytes)."""
    shape = [] if shape == "scalar" else [int(size) for size in shape.split("x")]
    count = math.prod(shape)
    if values is None:
        numbers = range(count)
    else:
        numbers = itertools.islice(itertools.cycle(float(v) for v in values.split(",")), count)
    if dtype == "BF16":  # the upper half of the f32, cut
        return shape, b"".join(struct.pack("<f", v)[2:] for v in numbers)
    code = FORMATS.get(dtype, "B")
    return shape, b"".join(struct.pack("<" + code, v if code in "dfe" else int(v)) for v in numbers)


def write_npy(path, dtype, shape, values=None):
    shape, data = tensor(dtype, shape, values)
    text = f"{{'descr': '{NPY[dtype]}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data)


def write_safetensors(path, *specs):
    header, body = {}, b""
    for spec in specs:
        name, dtype, *rest = spec.split(":")
        shape, data = tensor(dtype, *rest)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


write = write_npy if sys.argv[1].endswith(".npy") else write_safetensors
write(*sys.argv[1:])
