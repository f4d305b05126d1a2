# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests share. Run them with the package on the path: PYTHONPATH=build/python pytest test/Python"""

import json
import pathlib
import struct

import numpy as np
import pytest

import moe

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def weights_for(function, rng, scale=None):
    """Random weights for a function, N(0, 1/fan-in), by name."""
    return {
        a.name: (rng.standard_normal(a.shape) * (scale or 1 / max(1, a.shape[-2] if len(a.shape) > 1 else 4) ** 0.5))
        .astype(np.float32)
        for a in function.signature.weights
    }


@pytest.fixture(scope="session")
def small():
    """A small layer, its weights and some tokens: (function, weights, bound, x, y)."""
    rng = np.random.default_rng(3)
    function = moe.compile(moe.layers.mixtral(hidden=16, ffn=24, experts=4, top_k=2)).main
    weights = weights_for(function, rng)
    bound = function.bind(weights)
    x = rng.standard_normal((5, 16)).astype(np.float32)
    return function, weights, bound, x, bound(x)


def read_safetensors(path):
    """The tensors of a file, by name: 8 bytes length, a JSON header, the data."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    types = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "BOOL": "?", "U8": "u1"}
    return {
        name: np.frombuffer(data, types[t["dtype"]], offset=8 + length + t["data_offsets"][0],
                            count=int(np.prod(t["shape"], dtype=int))).reshape(t["shape"])
        for name, t in header.items()
    }


def check(got, want, rtol=2e-5):
    """Holds each row of a float result against f64: |got - want| <= rtol * rms of the row."""
    assert got.shape == want.shape
    if got.dtype.kind in "iu":
        np.testing.assert_array_equal(got, want)
        return
    rms = np.sqrt((want * want).mean(-1, keepdims=True))
    error = np.abs(got.astype(np.float64) - want) - rtol * rms
    assert (error <= 0).all(), f"off by {error.max():.2e} more than allowed, at {np.argwhere(error > 0)[:3].tolist()}"
