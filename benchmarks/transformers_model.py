#!/usr/bin/env python3
# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tokens a second of a whole model of transformers: its own experts, and ours.

    benchmarks/transformers_model.py [--dtype f32 bf16] [--threads 2] [--rounds 5] [--output FILE.jsonl]

The model is a Qwen3-MoE of 0.3 G parameters with random weights: 8 layers, hidden 512, 64 experts of width 384, 8 a
token. Ways take turns in one process, on the same weights and tokens; first their logits are compared. Prefill is one
pass over 128 tokens, decode 32 tokens after it, one at a time, with a cache. "experts" is the time inside the experts
modules (for blocks: the whole block), measured by hooks; what is left is attention, norms and the head.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import sys
import time
from typing import Any, Callable

LOAD = os.getloadavg()[0]  # before anything of this process adds to it

import torch
import transformers

import moe.transformers
from moe.transformers import CompiledBlock, compile_blocks, experts_of, pack, unpack

WAYS = ("eager", "grouped_mm", "compile", "moe", "packed", "blocks")
PROMPT, NEW = 128, 32
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def build(dtype: torch.dtype, layers: int) -> torch.nn.Module:
    config = transformers.Qwen3MoeConfig(
        vocab_size=8192, hidden_size=512, intermediate_size=1024, moe_intermediate_size=384, num_hidden_layers=layers,
        num_attention_heads=8, num_key_value_heads=4, head_dim=64, num_experts=64, num_experts_per_tok=8,
        norm_topk_prob=True, max_position_embeddings=1024,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.Qwen3MoeForCausalLM(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.normal_(std=p.shape[-1] ** -0.5)
    return model.to(dtype)


class Clock:
    """Time inside the modules that it watches."""

    def __init__(self, modules: list[torch.nn.Module]):
        self.total = self.started = 0.0
        for module in modules:
            module.register_forward_pre_hook(self.start)
            module.register_forward_hook(self.stop)

    def start(self, *_: Any) -> None:
        self.started = time.perf_counter()

    def stop(self, *_: Any) -> None:
        self.total += time.perf_counter() - self.started


class Way:
    """A model that runs its experts in one way."""

    def __init__(self, name: str, model: torch.nn.Module, blocks: torch.nn.Module):
        self.name = name
        self.model = blocks if name == "blocks" else model
        self.clock = clocks[id(self.model)]
        self.forward: Callable[..., Any] = self.model
        if name == "compile":
            self.forward = torch.compile(self.model, dynamic=True)

    def enter(self) -> None:
        if self.name != "blocks":
            self.model.set_experts_implementation({"compile": "grouped_mm", "packed": "moe"}.get(self.name, self.name))
            for module, packed in packs.items():
                if self.name == "packed":
                    module._modules["_moe_packed"] = packed
                else:
                    module._modules.pop("_moe_packed", None)

    def run(self, ids: torch.Tensor) -> dict[str, float]:
        """Seconds of prefill and decode, and of the experts in each."""
        self.enter()
        self.clock.total = 0.0
        start = time.perf_counter()
        out = self.forward(input_ids=ids, use_cache=True, logits_to_keep=1)
        prefill, prefill_experts = time.perf_counter() - start, self.clock.total
        self.clock.total = 0.0
        start = time.perf_counter()
        for _ in range(NEW):
            token = out.logits[:, -1:].argmax(-1)
            out = self.forward(input_ids=token, past_key_values=out.past_key_values, use_cache=True)
        decode = time.perf_counter() - start
        return {
            "prefill": prefill, "prefill_experts": prefill_experts, "decode": decode, "decode_experts": self.clock.total
        }  # fmt: skip


clocks: dict[int, Clock] = {}
packs: dict[torch.nn.Module, Any] = {}


def measure(dtype: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    model = build(DTYPES[dtype], arguments.layers)
    names = [way for way in WAYS if way in arguments.ways]
    # The same parameters, in another tree of modules.
    blocks = copy.deepcopy(model, {id(p): p for p in model.parameters()})
    if "blocks" in names:
        compile_blocks(blocks, pack=True)
    if "packed" in names:
        pack(model)
        packs.update({m: m._modules["_moe_packed"] for _, m in experts_of(model)})
        unpack(model)
    clocks[id(model)] = Clock([m for _, m in experts_of(model)])
    clocks[id(blocks)] = Clock([m for m in blocks.modules() if isinstance(m, CompiledBlock)])
    ways = [Way(name, model, blocks) for name in names]
    ids = torch.randint(0, 8192, (1, PROMPT), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        want = None
        for way in ways:
            way.enter()
            got = way.model(input_ids=ids, use_cache=False).logits.float()
            want = got if want is None else want
            error = ((got - want).square().mean().sqrt() / want.square().mean().sqrt()).item()
            if not error <= (1e-3 if dtype == "f32" else 0.2):  # routers flip
                raise SystemExit(f"{dtype}: {way.name} disagrees with {ways[0].name}: {error:.1e}")
            way.run(ids)
        times: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
        for turn in range(arguments.rounds):
            for way in ways if turn % 2 == 0 else reversed(ways):
                times[way.name].append(way.run(ids))
    lines = []
    for name, runs in times.items():
        line: dict[str, Any] = {
            "kind": "model", "model": "qwen3_moe", "parameters": sum(p.numel() for p in model.parameters()), "way": name,
            "dtype": dtype, "threads": arguments.threads, "rounds": len(runs), "load": LOAD,
            "torch": torch.__version__, "transformers": transformers.__version__,
        }  # fmt: skip
        for part, count in (("prefill", PROMPT), ("decode", NEW)):
            line[f"{part}_tokens_s"] = count / statistics.median(run[part] for run in runs)
            line[f"{part}_best_tokens_s"] = count / min(run[part] for run in runs)
            if name != "compile":
                passes = 1 if part == "prefill" else NEW
                line[f"{part}_experts_ms"] = 1e3 * statistics.median(run[f"{part}_experts"] for run in runs) / passes
                line[f"{part}_outside"] = statistics.median(1 - run[f"{part}_experts"] / run[part] for run in runs)
        lines.append(line)
    return lines


def report(lines: list[dict[str, Any]]) -> None:
    head = f"{'dtype':6}{'way':12}{'prefill':>10}{'decode':>9}  {'experts, ms a pass':>19}  {'outside':>12}  against grouped_mm"
    print(head + "\n" + f"{'':6}{'':12}{'tokens/s':>10}{'tokens/s':>9}  {'prefill   decode':>19}  {'of the time':>12}")
    for line in lines:
        base = next((o for o in lines if o["dtype"] == line["dtype"] and o["way"] == "grouped_mm"), None)
        text = f"{line['dtype']:6}{line['way']:12}{line['prefill_tokens_s']:10.0f}{line['decode_tokens_s']:9.1f}  "
        if "prefill_experts_ms" in line:
            text += f"{line['prefill_experts_ms']:11.1f}{line['decode_experts_ms']:8.2f}  "
            text += f"{line['prefill_outside']:6.0%}{line['decode_outside']:6.0%}  "
        else:
            text += " " * 35
        if base is not None:
            text += f"{line['prefill_tokens_s'] / base['prefill_tokens_s']:.2f} x, "
            text += f"{line['decode_tokens_s'] / base['decode_tokens_s']:.2f} x"
            if "prefill_experts_ms" in line:
                text += f"; experts {base['prefill_experts_ms'] / line['prefill_experts_ms']:.2f} x, "
                text += f"{base['decode_experts_ms'] / line['decode_experts_ms']:.2f} x"
        print(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dtype", nargs="+", choices=list(DTYPES), default=["f32", "bf16"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--output", help="file to append results to, a JSON object a line")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if LOAD > 0.3:
        print(f"the load is {LOAD:.1f}: these figures are not to be quoted", file=sys.stderr)
    lines = [line for dtype in arguments.dtype for line in measure(dtype, arguments)]
    report(lines)
    if arguments.output:
        with open(arguments.output, "a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
