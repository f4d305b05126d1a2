# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What operators ask of their arguments. Each failure is one sentence: where, what, expected and got."""

from __future__ import annotations

from typing import Any, Sequence

import torch

FLOATS = (torch.float32, torch.bfloat16, torch.float16)
INDICES = (torch.int64, torch.int32)


def _names(dtypes: Sequence[torch.dtype]) -> str:
    return " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)


def tensor(place: str, name: str, value: Any, dtypes: Sequence[torch.dtype], rank: int, device: str = "cpu") -> None:
    """Raises unless `value` is a tensor of one of `dtypes`, of `rank`, on the CPU (or without memory)."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{place}: {name}: expected a tensor, got {type(value).__name__}")
    if value.dtype not in dtypes:
        raise TypeError(f"{place}: {name}: expected {_names(dtypes)}, got {_names([value.dtype])}")
    if value.dim() != rank:
        raise ValueError(f"{place}: {name}: expected {rank} dimensions, got shape {tuple(value.shape)}")
    if value.device.type not in (device, "meta"):
        raise ValueError(f"{place}: {name}: expected a tensor on the CPU, got one on {value.device}")
    if value.layout != torch.strided:
        raise ValueError(f"{place}: {name}: expected a strided tensor, got {value.layout}")


def shape(place: str, name: str, value: torch.Tensor, *wanted: Any) -> None:
    """Raises unless the sizes of `value` are `wanted`; None matches all."""
    if any(want is not None and got != want for got, want in zip(value.shape, wanted)):
        text = ", ".join("any" if want is None else str(want) for want in wanted)
        raise ValueError(f"{place}: {name}: expected shape ({text}), got {tuple(value.shape)}")


def choice(place: str, name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{place}: {name}: expected one of {', '.join(choices)}; got {value!r}")
