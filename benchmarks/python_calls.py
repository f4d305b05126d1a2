#!/usr/bin/env python3
# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call from Python costs, and what PyTorch's threads and ours cost each other.

    benchmarks/python_calls.py [--threads 2] [--rounds 7] [--output FILE.jsonl]

Calls: a layer with next to nothing to compute (one token, hidden 8, two experts), as a bound layer with NumPy arrays
and as the PyTorch op; microseconds a call. Threads: a matrix product of PyTorch and our experts in turn, against each
alone; 1.00 means that neither notices the other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from typing import Any, Callable

import numpy as np
import torch

import moe
import moe.torch


def seconds(call: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def tiny_calls(rounds: int) -> dict[str, float]:
    text = moe.layers.mixtral(hidden=8, ffn=8, experts=2, top_k=1)
    rng = np.random.default_rng(0)
    function = moe.compile(text).main
    layer = function.bind({w.name: rng.standard_normal(w.shape).astype("float32") for w in function.signature.weights})
    x = rng.standard_normal((1, 8)).astype("float32")
    y = np.empty_like(x)
    tx = torch.from_numpy(x)
    up, down = torch.randn(2, 16, 8), torch.randn(2, 8, 8)
    indices, weights = torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1)
    calls: dict[str, Callable[[], Any]] = {
        "numpy": lambda: layer(x),
        "numpy, given the output": lambda: layer(x, out=y),
        "torch op": lambda: moe.torch.experts(tx, indices, weights, up, down),
    }
    for call in calls.values():
        seconds(call, 1000)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(1e6 * seconds(call, 5000))
    return {name: statistics.median(values) for name, values in times.items()}


def side_by_side(rounds: int) -> dict[str, float]:
    a, b = torch.randn(512, 1024), torch.randn(1024, 1024)
    x, up, down = torch.randn(64, 512), torch.randn(8, 2048, 512) / 20, torch.randn(8, 512, 1024) / 30
    indices, weights = torch.randint(0, 8, (64, 2)), torch.rand(64, 2)

    def product() -> Any:
        return a @ b

    def experts() -> Any:
        return moe.torch.experts(x, indices, weights, up, down)

    def both() -> None:
        product()
        experts()

    times: dict[str, list[float]] = {"matmul": [], "experts": [], "in turn": []}
    for call in (product, experts, both):
        seconds(call, 20)
    for _ in range(rounds):
        for name, call in zip(times, (product, experts, both)):
            times[name].append(1e3 * seconds(call, 50))
    result = {name: statistics.median(values) for name, values in times.items()}
    result["in turn / sum"] = statistics.median(t / (m + e) for m, e, t in zip(*times.values()))
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", help="file to append results to, a JSON object a line")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if os.getloadavg()[0] > 0.3:
        print(f"the load is {os.getloadavg()[0]:.1f}: these figures are not to be quoted", file=sys.stderr)
    with torch.no_grad():
        results = {"calls_us": tiny_calls(arguments.rounds), "threads_ms": side_by_side(arguments.rounds)}
    for name, value in results["calls_us"].items():
        print(f"{name:26}{value:8.2f} us a call")
    for name, value in results["threads_ms"].items():
        print(f"{name:26}{value:8.2f}" + ("" if "/" in name else " ms"))
    if arguments.output:
        line = {"kind": "python_calls", "threads": arguments.threads, "load": os.getloadavg()[0], **results}
        with open(arguments.output, "a") as file:
            file.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
