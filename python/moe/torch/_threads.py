# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Threads of calls from PyTorch: its own, so that two pools never compete for the same cores."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Optional

import torch

import moe


def _gomp_parallel() -> int:
    """The address of the function that starts a parallel region in the OpenMP library that PyTorch runs on,
    0 if it runs on something else.
    """
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if "OpenMP" not in torch.__config__.parallel_info() or not library.exists():
        return 0
    try:
        # Looked up in that library and those it depends on, nowhere else.
        function = ctypes.CDLL(str(library)).GOMP_parallel
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


_parallel = _gomp_parallel()
_loops: dict[int, tuple[int, int]] = {}


class _Contexts(threading.local):
    """The contexts of a thread, one for each number of threads: a context serves one call at a time."""

    def __init__(self) -> None:
        self.by_threads: dict[int, moe.Context] = {}


_contexts = _Contexts()


def _after_fork() -> None:
    # An OpenMP library's threads do not survive a fork, and it does not start them again: the child has
    # to do with our own pool, which does.
    global _parallel
    _parallel = 0
    _contexts.by_threads = {}


os.register_at_fork(after_in_child=_after_fork)


def shares_threads() -> bool:
    """Whether our loops run on PyTorch's threads."""
    return _parallel != 0


def _create(threads: int) -> moe.Context:
    if threads > 1 and _parallel:
        if threads not in _loops:
            _loops[threads] = moe._moe.openmp_loop(_parallel, threads)
        parallel_for, user = _loops[threads]
        return moe.Context(threads, parallel_for=parallel_for, user=user)
    return moe.Context(threads)


def context(threads: Optional[int] = None) -> moe.Context:
    """The calling thread's context of as many threads as ``torch.get_num_threads()`` says."""
    if threads is None:
        threads = torch.get_num_threads()
    found = _contexts.by_threads.get(threads)
    if found is None:
        found = _contexts.by_threads[threads] = _create(threads)
    return found
