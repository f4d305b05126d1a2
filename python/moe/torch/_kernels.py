# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled code for PyTorch tensors: found by structure, called on addresses."""

from __future__ import annotations

import atexit
import threading
from typing import Any, Callable

import torch

import moe

from ._threads import context

DTYPES = {
    torch.float32: "f32",
    torch.bfloat16: "bf16",
    torch.float16: "f16",
    torch.int64: "i64",
    torch.int32: "i32",
}

_functions: dict[Any, moe.Function] = {}
_lock = threading.Lock()


def function(key: Any, text: Callable[[], str]) -> moe.Function:
    """The compiled function of a structure, whose only function `text` writes; compiled once a process."""
    found = _functions.get(key)
    if found is None:
        with _lock:
            found = _functions.get(key)
            if found is None:
                module = moe.compile(text(), name=f"<{key}>")
                found = _functions[key] = module[next(iter(module))]
    return found


def call(bound: moe.Bound, tensors: tuple[torch.Tensor, ...], sizes: tuple[int, ...]) -> None:
    """Runs it on dense tensors, inputs and then results, whose dtypes and shapes are those of the function."""
    bound._bound.call_raw([tensor.data_ptr() for tensor in tensors], sizes, context(), 0)


@atexit.register
def _clear() -> None:
    """Lets go of compiled code before the interpreter does."""
    from . import _experts

    for table in (_functions, _experts._plans, _experts._packed_plans, _experts._bounds):
        table.clear()
