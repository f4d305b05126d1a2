# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Experts for PyTorch, as functional operators.

>>> import torch, moe.torch
>>> x, gate_up, down = torch.randn(5, 64), torch.randn(8, 2 * 48, 64), torch.randn(8, 64, 48)
>>> weights, indices = torch.randn(5, 8).softmax(-1).topk(2)
>>> moe.torch.experts(x, indices, weights, gate_up, down).shape
torch.Size([5, 64])

The operators are ``torch.ops.moe.*``: torch.compile (with fullgraph) and torch.export take them as they
are. They never change or return an input. Weights are read where they lie, at every call; `pack` copies
them once into the layout that is fastest. There are no gradients yet.
"""

from __future__ import annotations

from ._experts import Packed, experts, pack
from ._rows import combine, group, grouped_matmul
from ._threads import shares_threads

__all__ = ["experts", "pack", "Packed", "group", "grouped_matmul", "combine", "shares_threads"]
