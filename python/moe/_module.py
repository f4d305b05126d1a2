# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled modules, their functions, and functions with their weights."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from . import _moe
from ._errors import Diagnostic, InvalidArgument, InvalidType
from ._signature import Argument, Signature

Arrays = Union[Mapping[str, Any], Sequence[Any]]


class Context(_moe.Context):
    """Threads and scratch memory of one call at a time.

    Without one, a call uses ``moe.set_num_threads`` and memory that the library keeps. A context that
    two calls use at once raises :class:`moe.RunError` in the second.

    ``threads``      at most, the calling one included; 0: as many as the machine allows. The attribute
                     of that name says how many they are.
    ``parallel_for`` address of a host's own ``MoertParallelFor`` (moert.h), which then runs the tasks;
                     ``user`` is its first argument. Both must stay valid while the context lives.
    """

    def __init__(self, threads: int = 0, *, parallel_for: int = 0, user: int = 0):
        _check_threads(threads)
        super().__init__(threads, parallel_for, user)


class Bound:
    """A function with its weights: call it as often as you like, from several threads too.

    ``y = layer(x)`` takes one array for each input, by position or by name, and returns one for each
    result, a tuple if there are several.

    *Inputs* are NumPy arrays, PyTorch tensors on the CPU, or anything with ``__dlpack__`` or the
    buffer protocol, of exactly the dtype that the signature says: nothing is converted. They are read
    in place; one that is not dense row-major is copied once. A Python number stands for a scalar.

    *Results* are new arrays of the library of the first input, or written to ``out``: one array, or a
    tuple of them, writable, dense, and apart from all inputs.

    Raises ``TypeError`` (:class:`moe.InvalidType`) for a wrong dtype or number of arguments,
    ``ValueError`` (:class:`moe.InvalidArgument`) for a wrong shape, device, layout or byte order, and
    :class:`moe.RunError` when the run fails, for instance on an index out of range; ``out`` then holds
    what was written until then.
    """

    __slots__ = ("_bound", "_threads", "_names", "function")

    def __init__(self, bound: Any, function: "Function"):
        self._bound = bound
        self._threads = function._threads
        self._names = tuple(a.name for a in function.signature.inputs)
        self.function = function

    @property
    def signature(self) -> Signature:
        return self.function.signature

    def __call__(self, *inputs: Any, out: Any = None, context: Optional[Context] = None, **named: Any) -> Any:
        if named:
            inputs = self._order(inputs, named)
        return self._bound.call(inputs, out, context, self._threads)

    def raw(self, pointers: Sequence[int], sizes: Sequence[int], context: Optional[Context] = None) -> None:
        """Runs on memory that the caller vouches for, with the least overhead.

        ``pointers`` addresses of the inputs, then of the results: dense row-major, aligned to an
        element, of the signature's dtypes. ``sizes`` of ``signature.dims``, in that order. A wrong
        address is not noticed.
        """
        self._bound.call_raw(pointers, sizes, context, self._threads)

    def packed(self) -> bytes:
        """A copy of the packed weights, for :meth:`Function.bind_packed`."""
        return self._bound.blob()

    def _order(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        name = self.function.name
        rest = self._names[len(inputs):]
        unknown = [key for key in named if key not in rest]
        if unknown:
            known = ", ".join(self._names)
            raise InvalidType(f"{name}: there is no free input '{unknown[0]}'; the inputs are {known or 'none'}")
        missing = [key for key in rest if key not in named]
        if missing:
            raise InvalidType(f"{name}: input '{missing[0]}' is missing")
        return (*inputs, *(named[key] for key in rest))

    def __repr__(self) -> str:
        return f"<moe.Bound {self.signature}>"


class Function:
    """A compiled function: ``signature`` says what it takes; :meth:`bind` gives it its weights."""

    __slots__ = ("_function", "_threads", "_unbound", "signature")

    def __init__(self, function: Any, threads: int):
        self._function = function
        self._threads = threads
        self._unbound: Optional[Bound] = None
        arguments = tuple(Argument(*one) for one in function.describe())
        self.signature = Signature(function.name, arguments, function.symbols)

    @property
    def name(self) -> str:
        return self.signature.name

    @property
    def packed_bytes(self) -> int:
        """Bytes that the packed weights take, without a header."""
        return self._function.packed_bytes

    def workspace_bytes(self, **dims: int) -> int:
        """Bytes of scratch memory that a call with these sizes of ``signature.dims`` takes."""
        if sorted(dims) != sorted(self.signature.dims):
            raise InvalidType(f"{self.name}: expected the sizes of {', '.join(self.signature.dims) or 'nothing'}, "
                              f"got {', '.join(dims) or 'none'}")
        return self._function.workspace_bytes([dims[name] for name in self.signature.dims])

    def bind(self, weights: Optional[Arrays] = None, *, strict: bool = True, context: Optional[Context] = None,
             **named: Any) -> Bound:
        """Packs the weights, which may be freed or changed afterwards.

        ``weights`` a mapping from names to arrays, such as a checkpoint, or a sequence of arrays in the
        order of ``signature.weights``; more of them by keyword. Arrays as for a call.
        ``strict``  False ignores names that the function has no weight of.

        Raises ``TypeError`` for a weight that is missing, not known, or of another dtype, ``ValueError``
        for one of another shape.
        """
        wanted = [a.name for a in self.signature.weights]
        if isinstance(weights, Mapping) or weights is None:
            table = {**(weights or {}), **named}
            missing = [name for name in wanted if name not in table]
            unknown = [name for name in table if name not in wanted]
            if missing or (strict and unknown):
                problems = [f"missing: {', '.join(missing)}"] if missing else []
                problems += [f"not known: {', '.join(map(str, unknown))}"] if strict and unknown else []
                raise InvalidType(f"{self.name}: weights {'; '.join(problems)}")
            arrays = [table[name] for name in wanted]
        else:
            if named:
                raise InvalidType(f"{self.name}: weights in order and by name are not mixed")
            arrays = list(weights)
        found = self._function.bind(arrays, context, self._threads)
        return Bound(found, self)

    def bind_packed(self, packed: Any) -> Bound:
        """Binds weights that :meth:`Bound.packed` returned for the same function, target and CPU.

        ``packed`` is bytes or another buffer, such as a memory map; it is read where it lies if it is
        aligned to 64 bytes, and must not change. Raises :class:`moe.RunError` for anything else.
        """
        return Bound(self._function.bind_blob(packed), self)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Calls a function without weights; see :class:`Bound`."""
        if self._unbound is None:
            if self.signature.weights:
                raise InvalidType(f"{self.name}: has weights: call what bind() returns")
            self._unbound = self.bind()
        return self._unbound(*inputs, **options)

    def __repr__(self) -> str:
        return f"<moe.Function {self.signature}>"


@dataclass(frozen=True)
class Times:
    """Seconds that a compilation took; ``from_cache``: the code came from the cache."""

    parse: float
    lower: float
    codegen: float
    link: float
    from_cache: bool = False

    @property
    def total(self) -> float:
        return self.parse + self.lower + self.codegen + self.link


class Module(Mapping[str, Function]):
    """The public functions of a source: ``module.main``, ``module["main"]``, or iterate over names.

    ``diagnostics`` are the warnings and remarks of the compilation, ``times`` how long it took.
    """

    def __init__(self, module: Any, diagnostics: Sequence[Any], threads: int):
        self._functions = {f.name: Function(f, threads) for f in module.functions()}
        self.diagnostics = tuple(Diagnostic.from_raw(one) for one in diagnostics)
        self.times = Times(**module.times)

    def __getitem__(self, name: str) -> Function:
        try:
            return self._functions[name]
        except KeyError:
            raise KeyError(f"no function '{name}'; there is {', '.join(self._functions) or 'none'}") from None

    def __getattr__(self, name: str) -> Function:
        functions = self.__dict__.get("_functions", {})
        if name in functions:
            return functions[name]
        raise AttributeError(f"no function '{name}'; there is {', '.join(functions) or 'none'}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._functions]

    def _only(self) -> Function:
        if len(self) != 1:
            raise InvalidArgument(f"the module has {len(self)} functions: name one of {', '.join(self) or 'none'}")
        return next(iter(self._functions.values()))

    def bind(self, *weights: Any, **named: Any) -> Bound:
        """:meth:`Function.bind` of the only function."""
        return self._only().bind(*weights, **named)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Calls the only function."""
        return self._only()(*inputs, **options)

    def __repr__(self) -> str:
        return f"<moe.Module with {', '.join(self) or 'no functions'}>"


def _check_threads(threads: Any) -> None:
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise InvalidType(f"threads: expected an int, got {threads!r}")
    if not 0 <= threads <= 1024:
        raise InvalidArgument(f"threads: expected 0 to 1024, got {threads}")


def source_of(source: Any) -> tuple[Optional[bytes], Optional[str]]:
    """Returns (text, None) or (None, path).

    A str with a line end or a brace is text, any other str and any os.PathLike a path; bytes are text
    or bytecode.
    """
    if isinstance(source, (bytes, bytearray)):
        return bytes(source), None
    if isinstance(source, os.PathLike):
        return None, os.fsdecode(source)
    if not isinstance(source, str):
        raise InvalidType(f"source: expected text, bytes or a path, got {type(source).__name__}")
    if "\n" in source or "{" in source:
        return source.encode(), None
    return None, source
