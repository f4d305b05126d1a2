# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A whole block as one operator: from tokens to tokens, routing included."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Sequence

import torch

import moe

from . import _check
from ._block_text import Block, Router
from ._experts import _bind, _decode, _dense, _encode
from ._kernels import DTYPES, call, function
from ._register import is_plain, register

_PLACE = "moe.torch.block"
Tensor = torch.Tensor

_plans: dict[str, tuple[Block, moe.Function]] = {}


def encode(block: Block) -> str:
    """The block as text: what tells the operator what to do."""
    return json.dumps([_encode(block.experts), dataclasses.asdict(block.router), block.shared])


def _plan(text: str) -> tuple[Block, moe.Function]:
    found = _plans.get(text)
    if found is None:
        experts, router, shared = json.loads(text)
        block = Block(_decode(experts), Router(**{**router, "groups": tuple(router["groups"])}), shared)
        found = _plans[text] = (block, function(block, block.text))
    return found


def _run(x: Tensor, weights: Sequence[Tensor], spec: str) -> tuple[Tensor, Tensor]:
    block, found = _plan(spec)
    experts = block.experts
    _check.tensor(_PLACE, "x", x, _check.FLOATS, 2)
    if DTYPES[x.dtype] != experts.rows:
        raise TypeError(f"{_PLACE}: x: expected {experts.rows}, got {DTYPES[x.dtype]}")
    _check.shape(_PLACE, "x", x, None, experts.hidden)
    y, chosen = _fake(x, weights, spec)
    inputs = [_dense(x)]
    if experts.packed:
        if len(weights) != 1:
            raise ValueError(f"{_PLACE}: weights: expected one blob, got {len(weights)} tensors")
        bound = _bind(found, weights[0])
    else:
        wanted = found.signature.inputs[1:]
        if len(weights) != len(wanted):
            raise ValueError(f"{_PLACE}: weights: expected {len(wanted)} tensors, got {len(weights)}")
        for argument, weight in zip(wanted, weights):
            name = f"weights: {argument.name}"
            _check.tensor(_PLACE, name, weight, [d for d, n in DTYPES.items() if n == argument.dtype], len(argument.shape))
            _check.shape(_PLACE, name, weight, *argument.shape)
        bound = found.bind() if found._unbound is None else found._unbound
        found._unbound = bound
        inputs += [_dense(weight) for weight in weights]
    if x.shape[0]:
        call(bound, [*inputs, y, chosen], (x.shape[0],))
    return y, chosen


def _fake(x: Tensor, weights: Sequence[Tensor], spec: str) -> tuple[Tensor, Tensor]:
    top_k = json.loads(json.loads(spec)[0])["top_k"]
    return torch.empty_like(x, memory_format=torch.contiguous_format), x.new_empty((x.shape[0], top_k), dtype=torch.float32)


_op = register("block(Tensor x, Tensor[] weights, str spec) -> (Tensor, Tensor)", _run, _fake)


def run(x: Tensor, weights: Sequence[Tensor], spec: str) -> tuple[Tensor, Tensor]:
    """What the block makes of `x` [T, d], and the weights [T, K] of its router, in f32."""
    return (_run if is_plain(x) else _op)(x, weights, spec)


def pack(block: Block, weights: Sequence[Tensor]) -> tuple[str, Tensor]:
    """The packed block, and the blob of its weights."""
    packed = dataclasses.replace(block, experts=dataclasses.replace(block.experts, packed=True))
    found = function(packed, packed.text)
    blob = found.bind([_dense(weight.detach()) for weight in weights]).packed()
    return encode(packed), torch.frombuffer(bytearray(blob), dtype=torch.uint8).clone()
