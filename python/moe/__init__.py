# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles mixture-of-experts layers.

>>> import moe
>>> module = moe.compile(moe.layers.mixtral(hidden=64, ffn=80, experts=8, top_k=2))
>>> print(module.main.signature.inputs[0])
x: f32[T, 64]
>>> layer = module.main.bind(weights)      # a dict of arrays      # doctest: +SKIP
>>> y = layer(x)                           # NumPy in, NumPy out   # doctest: +SKIP

Weights are packed once, when they are bound; a bound layer is called with any number of tokens, from
any thread. NumPy arrays, PyTorch tensors and everything that speaks DLPack go in without a copy.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Optional, Union

try:
    from . import _moe
except ImportError as error:
    hint = ""
    if "libLLVM" in str(error) or "libMLIR" in str(error):
        hint = " (the libraries of LLVM and MLIR 22.1 are missing; Debian: apt-get install libllvm22 libmlir-22)"
    raise ImportError(f"moe cannot be loaded: {error}{hint}") from error

from . import layers
from ._errors import CompileError, Diagnostic, Error, InvalidArgument, InvalidType, RunError
from ._module import Bound, Context, Function, Module, Times, _check_threads, source_of
from ._signature import Argument, Signature

__version__ = _moe.version().partition(",")[0]
__all__ = [
    "compile", "emit", "Module", "Function", "Bound", "Context", "Signature", "Argument", "Times", "layers",
    "Error", "CompileError", "Diagnostic", "InvalidArgument", "InvalidType", "RunError",
    "set_num_threads", "get_num_threads", "statistics", "native_cpu", "version",
]

Source = Union[str, bytes, "os.PathLike[str]"]
Cache = Union[None, bool, str, "os.PathLike[str]"]

_compilers: dict[Any, Any] = {}
_lock = threading.Lock()


def _compiler(target: str, cpu: str, stage: str, cache: Cache) -> Any:
    """The compiler with these options; there is one for each."""
    for name, value in (("target", target), ("cpu", cpu), ("stage", stage)):
        if not isinstance(value, str):
            raise InvalidType(f"{name}: expected a str, got {value!r}")
    if cache is True:
        folder: Optional[str] = os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "moe")
    elif cache is False:
        folder = ""
    else:
        folder = None if cache is None else os.fsdecode(cache)
    key = (target, cpu, stage, folder if folder is not None else ("env", os.environ.get("MOE_CACHE_DIR")))
    with _lock:
        if key not in _compilers:
            _compilers[key] = _moe.Compiler(target, cpu, stage, folder)
        return _compilers[key]


def compile(
    source: Source,
    *,
    target: str = "cpu",
    cpu: str = "native",
    cache: Cache = None,
    threads: int = 0,
    name: str = "<memory>",
    stage: str = "input",
) -> Module:
    """Compiles MLIR and loads the code into this process.

    ``source``  text, bytecode, or the path of a file. A str with a line end or a brace is text, any
                other str is a path.
    ``target``  "cpu", or "reference": plain loops, the oracle.
    ``cpu``     to compile for, as LLVM names it; "native" is this machine's.
    ``cache``   folder that keeps compiled code for the next process; True: ``~/.cache/moe``; None: the
                environment variable MOE_CACHE_DIR, if it is set; False: none.
    ``threads`` of its calls at most; 0: what :func:`set_num_threads` says.
    ``name``    stands for the file's in messages. ``stage``: the one that the source is in.

    Raises :class:`CompileError` with file, line and column for a source that is wrong,
    :class:`InvalidArgument` for a target or CPU that there is not. Other Python threads run meanwhile.
    """
    _check_threads(threads)
    text, path = source_of(source)
    compiler = _compiler(target, cpu, stage, cache)
    module, diagnostics = compiler.compile_file(path) if text is None else compiler.compile(text, name)
    return Module(module, diagnostics, threads)


def emit(
    source: Source,
    what: str,
    *,
    target: str = "cpu",
    cpu: str = "native",
    name: str = "<memory>",
    stage: str = "input",
) -> Union[str, bytes]:
    """Returns what the compiler makes of a source.

    ``what``  a stage ("input", "kernels", "prepared", "buffers", "loops", "llvm"): MLIR as text;
              "llvm-ir" or "assembly": text; "object": an ELF file, as bytes.

    Raises as :func:`compile`.
    """
    text, path = source_of(source)
    if text is None:
        assert path is not None
        with open(path, "rb") as file:
            text, name = file.read(), path
    data = _compiler(target, cpu, stage, False).emit(text, name, what)
    return data if what == "object" else data.decode()


def set_num_threads(threads: int) -> None:
    """Sets the threads that calls use at most, unless they say otherwise; 0: what the machine allows."""
    _check_threads(threads)
    _moe.set_num_threads(threads)


def get_num_threads() -> int:
    """What :func:`set_num_threads` was given last, 0 at first."""
    return _moe.get_num_threads()


def statistics() -> dict[str, int]:
    """Counts of this process: compilations, cache_hits, cache_rejected (files that were not trusted)."""
    with _lock:
        compilers = list(_compilers.values())
    total = {"compilations": 0, "cache_hits": 0, "cache_rejected": 0}
    for compiler in compilers:
        for key, value in compiler.statistics.items():
            total[key] += value
    return total


def native_cpu() -> str:
    """The name of this machine's CPU, as LLVM has it."""
    return _compiler("cpu", "native", "input", False).cpu


def version() -> str:
    """The versions of this package and of LLVM."""
    return _moe.version()
