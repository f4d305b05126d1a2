# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Threads, forks, the lives of objects, memory."""

import gc
import os
import resource
import sys
import threading
import time

import numpy as np
import pytest

import moe
from moe import _moe


def test_64_threads(small):
    """Results do not depend on who else calls, or with how many threads."""
    _, _, bound, x, y = small
    wrong, barrier = [], threading.Barrier(64)

    def work(n):
        barrier.wait()
        context = moe.Context(threads=1 + n % 3) if n % 2 else None
        for _ in range(20):
            if not (bound(x, context=context) == y).all():
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_num_threads(small):
    function, weights, bound, x, y = small
    try:
        for threads in (1, 2, 5, 0):
            moe.set_num_threads(threads)
            assert moe.get_num_threads() == threads
            assert (bound(x) == y).all()
    finally:
        moe.set_num_threads(0)
    assert moe.Context(threads=3).threads == 3
    assert moe.Context().threads >= 1
    single = moe.compile(moe.layers.mixtral(16, 24, 4, 2), threads=1)
    assert (single.bind(weights)(x) == y).all()


def test_context_in_use(small):
    """A context serves one call at a time; the second says so, and neither is wrong."""
    _, _, bound, x, y = small
    context = moe.Context(threads=1)
    many = np.tile(x, (4000, 1))
    stop, busy = threading.Event(), []

    def work():
        while not stop.is_set():
            try:
                bound(many, context=context)
            except moe.RunError as error:
                busy.append(error.status)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while not busy and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert set(busy) == {"the context is in use"}
    assert (bound(x, context=context) == y).all()


def test_gil_is_released():
    """Another thread runs while this one compiles."""
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    moe.compile(moe.layers.mixtral(16, 24, 4, 2), target="reference")
    end = time.monotonic()
    stop.set()
    thread.join()
    inside = [t for t in ticks if begin < t < end]
    assert len(inside) > 5


def test_fork(small):
    """A child of a process that has called can call, and compile."""
    _, _, bound, x, y = small
    moe.set_num_threads(2)
    bound(x)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            good = (bound(x) == y).all()
            text = moe.layers.mixtral(16, 8, 4, 2)
            good &= moe.compile(text, target="reference").main.signature.name == "main"
            code = 0 if good else 2
        finally:
            os._exit(code)
    moe.set_num_threads(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (bound(x) == y).all()


def test_any_order_of_destruction(small):
    _, weights, _, x, y = small
    module = moe.compile(moe.layers.mixtral(16, 24, 4, 2))
    function = module.main
    bound = function.bind(weights)
    del module
    gc.collect()
    other = function.bind(weights)
    del function
    gc.collect()
    assert (bound(x) == y).all()
    packed = other.function.bind_packed(np.frombuffer(other.packed(), "u1").copy())
    del other
    gc.collect()
    assert (packed(x) == y).all() and (bound(x) == y).all()


TINY = """func.func @main(%x: tensor<?x4xf32> {{moe.dims = ["N", ""]}}, %w: tensor<4xf32> {{moe.weight}})
    -> (tensor<?x4xf32> {{moe.dims = ["N", ""]}}) {{
  return %x : tensor<?x4xf32> // {0}
}}"""


def test_modules_come_and_go(tmp_path):
    """Handles and memory stay flat. The cache makes them cheap: each loads code, links it and drops it."""
    x, w = np.ones((3, 4), "f4"), np.ones(4, "f4")

    def cycle(n):
        for _ in range(n):
            module = moe.compile(TINY.format(0), target="reference", cache=tmp_path)
            assert (module.main.bind([w])(x) == x).all()
            del module

    cycle(100)
    gc.collect()
    handles, memory = _moe.live_handles(), resident()
    cycle(900)
    gc.collect()
    assert _moe.live_handles() == handles
    if "libclang_rt" not in os.environ.get("LD_PRELOAD", ""):  # a sanitizer keeps what is freed
        assert resident() - memory < 16 << 20, f"{(resident() - memory) >> 10} KiB more after 900 modules"


def test_calls_leave_nothing(small):
    _, _, bound, x, _ = small
    bad = x.astype("f8")
    references = sys.getrefcount(x)
    for _ in range(200):
        bound(x)
    memory = resident()
    for _ in range(5000):
        bound(x)
        with pytest.raises(TypeError):
            bound(bad)
    assert sys.getrefcount(x) == references
    assert resident() - memory < 8 << 20


def resident():
    """Bytes of memory that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
