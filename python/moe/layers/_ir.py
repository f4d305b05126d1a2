# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes MLIR as a person would: named values, comments, one helper function a purpose."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Iterable, Sequence, Union

Size = Union[int, str]  # a named dimension is a string

FLOATS = ("f64", "f32", "f16", "bf16")
ACTIVATIONS = ("none", "silu", "sigmoid", "gelu", "gelu_tanh", "relu", "relu2")


def tensor(shape: Sequence[Size], dtype: str) -> str:
    """Returns a tensor type: tensor<?x64xf32> for ("T", 64), "f32"."""
    return f"tensor<{''.join(f'{size if isinstance(size, int) else chr(63)}x' for size in shape)}{dtype}>"


def number(value: float) -> str:
    """Returns a float literal that reads back as the same f64."""
    text = repr(float(value))
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{exponent}" if exponent else mantissa


def check_size(name: str, value: int, minimum: int = 1) -> None:
    """Raises unless `value` is an int that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {value}")


def check_number(name: str, value: float, minimum: float = -math.inf, above: float = -math.inf) -> None:
    """Raises unless `value` is a finite number in range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not math.isfinite(value) or value < minimum or value <= above:
        bound = f" above {above:g}" if above > -math.inf else f" of at least {minimum:g}" if minimum > -math.inf else ""
        raise ValueError(f"{name}: expected a finite number{bound}, got {value!r}")


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Raises unless `value` is one of `choices`."""
    if value not in tuple(choices):
        raise ValueError(f"{name}: expected one of {', '.join(choices)}; got {value!r}")


def check_identifier(name: str, value: str) -> None:
    """Raises unless `value` can be a name in the text."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(f"{name}: expected letters, digits and underscores, got {value!r}")


@dataclass(frozen=True)
class Value:
    """An SSA value: its name without %, its shape and its element type."""

    name: str
    shape: tuple[Size, ...]
    dtype: str

    @property
    def type(self) -> str:
        return tensor(self.shape, self.dtype)

    @property
    def typed(self) -> str:
        """ "%x : tensor<...>", as operands in parentheses are written."""
        return f"%{self.name} : {self.type}"

    def __str__(self) -> str:
        return f"%{self.name}"


class Module:
    """A text in the making: comments, one public function, the helpers that it calls."""

    def __init__(self, comment: str):
        self.comment = comment
        self.helpers: dict[str, str] = {}

    def helper(self, name: str, comment: str, text: str) -> str:
        """Adds a private function, whose text says @NAME, and returns the name that it got."""
        head = "\n".join(f"// {line}" for line in comment.split("\n")) + "\n"
        count = 1
        while True:
            unique = name if count == 1 else f"{name}_{count}"
            full = head + text.strip("\n").replace("@NAME", f"@{unique}")
            if self.helpers.setdefault(unique, full) == full:
                return unique
            count += 1

    def text(self, main: "Function") -> str:
        parts = ["\n".join(f"// {line}".rstrip() for line in self.comment.split("\n"))]
        parts += [main.text(), *self.helpers.values()]
        return "\n\n".join(parts) + "\n"


@dataclass
class Function:
    """The public function: arguments, lines, results."""

    module: Module
    name: str = "main"
    arguments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    results: list[tuple[str, Value]] = field(default_factory=list)
    indent: int = 2
    # Inside a region, functions are called by their full name.
    call_op: str = "call"

    def argument(self, name: str, shape: Sequence[Size], dtype: str, weight: bool = False) -> Value:
        """Adds an argument; `weight` marks it as constant between calls."""
        value = Value(name, tuple(shape), dtype)
        marks = (["moe.weight"] if weight else []) + [f'moe.name = "{name}"']
        if dims := dim_names(shape):
            marks.append(f"moe.dims = [{dims}]")
        self.arguments.append(f"{value}: {value.type} {{{', '.join(marks)}}}")
        return value

    def index(self, name: str) -> str:
        """Adds an argument of type index and returns its name in the text."""
        self.arguments.append(f'%{name}: index {{moe.name = "{name}"}}')
        return f"%{name}"

    def comment(self, text: str) -> None:
        """Starts a paragraph."""
        if self.lines and not self.lines[-1].endswith("{") and not self.lines[-1].lstrip().startswith("^"):
            self.lines.append("")
        self.lines += [" " * self.indent + f"// {line}" for line in text.split("\n")]

    def line(self, *parts: str) -> None:
        """Adds a statement; every part after the first goes on a line of its own."""
        self.lines.append(" " * self.indent + parts[0])
        self.lines += [" " * (self.indent + 2) + part for part in parts[1:] if part]

    def call(self, result: Value, helper: str, *operands: Value) -> Value:
        """Adds the call of a helper with one result."""
        types = ", ".join(operand.type for operand in operands)
        first = f"{result} = {self.call_op} @{helper}({', '.join(map(str, operands))})"
        second = f": ({types}) -> {result.type}"
        if len(first) + len(second) + self.indent < 100:
            self.line(f"{first} {second}")
        else:
            self.line(first, second)
        return result

    def result(self, name: str, value: Value) -> None:
        self.results.append((name, value))

    def text(self) -> str:
        signature = []
        for name, value in self.results:
            marks = [f'moe.name = "{name}"']
            if dims := dim_names(value.shape):
                marks.append(f"moe.dims = [{dims}]")
            signature.append(f"{value.type} {{{', '.join(marks)}}}")
        values = ", ".join(str(value) for _, value in self.results)
        types = ", ".join(value.type for _, value in self.results)
        return "\n".join(
            [
                f"func.func @{self.name}(",
                *(f"    {argument}," for argument in self.arguments[:-1]),
                f"    {self.arguments[-1]})",
                f"    -> ({(','+chr(10)+'        ').join(signature)}) {{",
                *self.lines,
                f"  return {values} : {types}",
                "}",
            ]
        )


def dim_names(shape: Sequence[Size]) -> str:
    """Returns the inside of a moe.dims attribute, "" if no dimension has a name."""
    if not any(isinstance(size, str) for size in shape):
        return ""
    return ", ".join(f'"{size}"' if isinstance(size, str) else '""' for size in shape)
