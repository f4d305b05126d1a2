# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a function takes and returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Argument:
    """An argument or a result.

    ``role``  "input", "weight" or "output". ``dtype`` f64, f32, f16, bf16, i64, i32, i16, i8, u8, i1.
    ``shape`` a size or the name of a dimension that a call chooses; () for a scalar.
    """

    name: str
    role: str
    dtype: str
    shape: tuple[Union[int, str], ...]

    def __str__(self) -> str:
        weight = "weight " if self.role == "weight" else ""
        return f"{self.name}: {weight}{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Signature:
    """Arguments and results of a function, in the order of the source.

    ``dims`` are the names of the dimensions that a call chooses.
    """

    name: str
    arguments: tuple[Argument, ...]
    dims: tuple[str, ...]

    @property
    def inputs(self) -> tuple[Argument, ...]:
        """What each call takes."""
        return tuple(a for a in self.arguments if a.role == "input")

    @property
    def weights(self) -> tuple[Argument, ...]:
        """What is bound once."""
        return tuple(a for a in self.arguments if a.role == "weight")

    @property
    def outputs(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if a.role == "output")

    def __str__(self) -> str:
        arguments = ", ".join(str(a) for a in self.arguments if a.role != "output")
        return f"{self.name}({arguments}) -> ({', '.join(map(str, self.outputs))})"
