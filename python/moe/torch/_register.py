# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Registers functions as operators of PyTorch, and calls them directly where that is the same."""

from __future__ import annotations

from typing import Any, Callable

import torch

_library = torch.library.Library("moe", "FRAGMENT")


def register(schema: str, run: Callable[..., Any], fake: Callable[..., Any]) -> Any:
    """Defines ``moe::NAME`` with `run` for tensors on the CPU and `fake` for shapes alone."""
    name = schema.partition("(")[0]
    _library.define(schema, tags=[torch.Tag.needs_exact_strides])
    _library.impl(name, run, "CPU")
    torch.library.register_fake(f"moe::{name}", fake, lib=_library)

    def backward(context: Any, *gradients: Any) -> Any:
        raise NotImplementedError(f"moe::{name} has no gradient yet: call it under torch.no_grad()")

    torch.library.register_autograd(f"moe::{name}", backward, lib=_library)
    return getattr(torch.ops.moe, name).default


def is_plain(x: torch.Tensor) -> bool:
    """Whether nothing but the computation itself is to happen with an operator on `x` here: no tracing, no
    transformation, no mode. An operator may then be called as the Python function that it is.
    """
    return (
        type(x) is torch.Tensor
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and torch._C._len_torch_dispatch_stack() == 0
        and torch._C._len_torch_function_stack() == 0
        and torch._C._functorch.peek_interpreter_stack() is None
        and not torch._C._get_tracing_state()
    )
