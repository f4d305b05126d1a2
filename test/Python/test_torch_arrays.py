# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch tensors in and out."""

import re

import numpy as np
import pytest

import moe

torch = pytest.importorskip("torch")


def test_tensors(small):
    function, weights, bound, x, y = small
    t = torch.from_numpy(x)
    got = bound(t)
    assert isinstance(got, torch.Tensor) and got.dtype == torch.float32
    assert (got.numpy() == y).all()
    parameters = {n: torch.nn.Parameter(torch.from_numpy(w)) for n, w in weights.items()}
    assert (function.bind(parameters)(t).numpy() == y).all()
    assert (bound(torch.from_numpy(np.asfortranarray(x))).numpy() == y).all()
    out = torch.empty_like(t)
    assert bound(t, out=out) is out and (out.numpy() == y).all()
    out = torch.zeros(5, 16)
    bound.raw([t.data_ptr(), out.data_ptr()], [5])
    assert (out.numpy() == y).all()
    assert bound(t[:0]).shape == (0, 16)


def test_results_outlive(small):
    _, _, bound, x, y = small
    results = [bound(torch.from_numpy(x)) for _ in range(50)]
    assert all((r.numpy() == y).all() for r in results)


def test_dtypes():
    names = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16,
             "i64": torch.int64, "i32": torch.int32, "i8": torch.int8, "i1": torch.bool}
    text = "".join(
        f'func.func @copy_{n}(%x: tensor<?x{n}> {{moe.dims = ["N"]}}) -> (tensor<?x{n}> {{moe.dims = ["N"]}}) '
        f"{{ return %x : tensor<?x{n}> }}\n" for n in names)
    module = moe.compile(text, target="reference")
    for name, dtype in names.items():
        x = torch.tensor([1, 0, 1]).to(dtype)
        y = module[f"copy_{name}"](x)
        assert y.dtype == dtype and torch.equal(x, y)


def test_refused(small):
    _, _, bound, x, y = small
    t = torch.from_numpy(x)

    def refused(match, error, value, **options):
        with pytest.raises(error, match=match):
            bound(value, **options)

    refused(re.escape("argument 'x': expected f32[T, 16], got f64[5, 16]"), TypeError, t.double())
    refused(re.escape("expected f32[T, 16], got f32[16]"), ValueError, t[0])
    refused("requires grad, and this call is not recorded", ValueError, t.clone().requires_grad_())
    refused("main: argument 'x': ", ValueError, t.to("meta"))
    refused("main: argument 'x': ", ValueError, t.to_sparse())
    refused("not dense row-major", ValueError, t, out=torch.empty(16, 5).T)
    refused("overlaps", ValueError, t, out=t)
    with torch.no_grad():
        assert (bound(t.clone().requires_grad_()).numpy() == y).all()
    negated = torch.complex(t, t).conj().imag
    assert negated.is_neg() and torch.equal(bound(negated), bound(-t))
