# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What can go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

SEVERITIES = ("note", "remark", "warning", "error")


class Error(Exception):
    """Base of every error that this package raises by itself."""


class InvalidArgument(Error, ValueError):
    """An array of the wrong shape, device, layout or byte order; a read-only or overlapping result;
    an option that does not exist."""


class InvalidType(Error, TypeError):
    """An argument of the wrong kind or dtype, or a wrong number of arguments."""


class RunError(Error, RuntimeError):
    """The runtime refused or failed; ``status`` is its name for that, ``code`` the number."""

    def __init__(self, message: str, code: int = 0, status: str = ""):
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Diagnostic:
    """What the compiler says of a place in the source. Where it knows none, ``file`` is "", ``line`` 0."""

    severity: str
    file: str
    line: int
    column: int
    message: str
    notes: tuple["Diagnostic", ...] = ()

    @classmethod
    def from_raw(cls, raw: Any) -> "Diagnostic":
        severity, location, message, notes = raw
        file, line, column = location, 0, 0
        parts = location.rsplit(":", 2)
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            file, line, column = parts[0], int(parts[1]), int(parts[2])
        return cls(SEVERITIES[severity], file, line, column, message, tuple(cls.from_raw(note) for note in notes))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        return "\n".join([f"{place}{self.severity}: {self.message}", *map(str, self.notes)])


class CompileError(Error):
    """The source is wrong, or cannot be compiled.

    ``diagnostics`` is all that the compiler said; ``file``, ``line`` and ``column`` are those of the
    first error, or None.
    """

    def __init__(self, message: str, raw: Any = ()):
        self.diagnostics: list[Diagnostic] = [Diagnostic.from_raw(one) for one in raw]
        first = next((d for d in self.diagnostics if d.severity == "error" and d.line), None)
        self.file: Optional[str] = first.file if first else None
        self.line: Optional[int] = first.line if first else None
        self.column: Optional[int] = first.column if first else None
        notes = [str(note) for d in self.diagnostics if d.severity == "error" for note in d.notes]
        super().__init__("\n".join([message, *notes]))
