# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The parts that layers are put together from: weights, router, experts, shared expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from . import _ops
from ._ir import FLOATS, Function, Module, Size, Value, check_choice, check_identifier, check_size, number
from .options import Capacity, Experts, Router, Shared, capacity_terms


@dataclass
class Part:
    """What all parts of a layer share while its text is written."""

    f: Function
    hidden: int
    tokens: Size
    dtype: str
    bind: bool

    @property
    def compute(self) -> str:
        """The element type of scores and sums."""
        return "f64" if self.dtype == "f64" else "f32"

    def weight(self, name: str, shape: tuple[int, ...], dtype: Optional[str] = None) -> Value:
        return self.f.argument(name, shape, dtype or self.dtype, weight=self.bind)


def start(comment: str, hidden: int, tokens: Size, dtype: str, bind: bool, name: str) -> Part:
    """Checks what all layers take and starts a text."""
    check_size("hidden", hidden)
    check_choice("dtype", dtype, FLOATS)
    check_identifier("name", name)
    if isinstance(tokens, str):
        check_identifier("tokens", tokens)
    else:
        check_size("tokens", tokens, minimum=0)
    return Part(Function(Module(comment), name), hidden, tokens, dtype, bind)


@dataclass
class RouterWeights:
    router: Value
    transposed: bool
    logit_bias: Optional[Value]
    score_bias: Optional[Value]


def router_weights(p: Part, router: Router, experts: Experts) -> RouterWeights:
    """Adds the arguments of a router."""
    transposed = experts.layout == "out_in"
    shape = (experts.count, p.hidden) if transposed else (p.hidden, experts.count)
    dtype = router.dtype or p.dtype
    return RouterWeights(
        p.weight("router", shape, dtype),
        transposed,
        p.weight("router_bias", (experts.count,), dtype) if router.logit_bias else None,
        p.weight("score_bias", (experts.count,), p.compute) if router.bias else None,
    )


@dataclass
class Choice:
    logits: Value
    indices: Value
    weights: Value


def route(p: Part, x: Value, w: RouterWeights, router: Router, top_k: int) -> Choice:
    """Writes the logits and the selection of `top_k` experts for each token."""
    f = p.f
    product = "product" if w.logit_bias else "logits"
    logits = _ops.linear(f, product, x, w.router, w.transposed, p.compute)
    if w.logit_bias:
        logits = _ops.add_bias(f, "logits", logits, w.logit_bias)
    indices = Value("indices", (x.shape[0], top_k), "i32")
    weights = Value("weights", (x.shape[0], top_k), p.compute)
    options = [f"score({router.score}) weights({router.weights})"]
    if router.groups:
        options.append("groups({} keep {} by top_sum {})".format(*router.groups))
    if router.scale is not None:
        options.append(f"scale {number(router.scale)}")
    attributes = [f"{key} = {number(value)}" for key in ("epsilon", "top_p") if (value := getattr(router, key)) is not None]
    if attributes:
        options.append(f"{{{', '.join(attributes)}}}")
    bias = f" bias({w.score_bias.typed})" if w.score_bias else ""
    f.line(
        f"{indices}, {weights} = moe.route {logits}{bias}",
        " ".join(options),
        f": {logits.type} -> {indices.type}, {weights.type}",
    )
    return Choice(logits, indices, weights)


@dataclass
class FFN:
    """The weights of expert_ffn, in its own layout."""

    gate: Optional[Value]
    gate_bias: Optional[Value]
    up: Value
    up_bias: Optional[Value]
    down: Value
    down_bias: Optional[Value]


def ffn_arguments(p: Part, e: Experts, prefix: str = "", lead: tuple[int, ...] = (), ffn: int = 0) -> dict[str, Value]:
    """Adds the arguments of experts, or of a shared one, whose sizes have no leading E."""
    width = ffn or e.ffn
    flip = e.layout == "out_in"

    def weight(name: str, rows: int, columns: int) -> Value:
        return p.weight(prefix + name, (*lead, columns, rows) if flip else (*lead, rows, columns))

    found: dict[str, Value] = {}
    ups = {"up": width}
    if e.gated:
        ups = {"gate": width, "up": width} if e.gate_up == "separate" else {"gate_up": 2 * width}
    for name, size in ups.items():
        found[name] = weight(name, p.hidden, size)
        if e.bias:
            found[f"{name}_bias"] = p.weight(f"{prefix}{name}_bias", (*lead, size))
    found["down"] = weight("down", width, p.hidden)
    if e.bias:
        found["down_bias"] = p.weight(f"{prefix}down_bias", (*lead, p.hidden))
    return found


def ffn_views(p: Part, e: Experts, found: dict[str, Value], prefix: str = "") -> FFN:
    """Writes the weights as expert_ffn takes them: gate and up apart, [E,in,out]."""
    f, parts = p.f, dict(found)
    flip = e.layout == "out_in"
    if "gate_up" in parts:
        width, step = parts["down"].shape[-1 if flip else -2], 2 if e.gate_up == "interleaved" else 1
        f.comment(f"Gate and up lie in one weight, {e.gate_up}.")
        for i, name in enumerate(("gate", "up")):
            offset = i if step == 2 else i * width
            whole = parts["gate_up"]
            axis = len(whole.shape) - (2 if flip else 1)
            parts[name] = _ops.slice_axis(f, f"{prefix}{name}", whole, axis, offset, width, step)
            if e.bias:
                bias = parts["gate_up_bias"]
                parts[f"{name}_bias"] = _ops.slice_axis(f, f"{prefix}{name}_bias", bias, len(bias.shape) - 1, offset,
                                                        width, step)
    if flip:
        f.comment("From [out,in], as torch.nn.Linear stores it, to [in,out].")
        for name in ("gate", "up", "down"):
            if name in parts:
                rank = len(parts[name].shape)
                order = (*range(rank - 2), rank - 1, rank - 2)
                parts[name] = _ops.transpose(f, f"{prefix}{name}_t", parts[name], order)
    return FFN(parts.get("gate"), parts.get("gate_bias"), parts["up"], parts.get("up_bias"), parts["down"],
               parts.get("down_bias"))


def expert_ffn(p: Part, e: Experts, name: str, rows: Value, w: FFN, offsets: Optional[Value]) -> Value:
    """Writes one expert_ffn."""
    result = Value(name, (rows.shape[0], p.hidden), rows.dtype)

    def operand(word: str, weight: Value, bias: Optional[Value]) -> str:
        return f"{word}({weight.typed}{f' bias {bias.typed}' if bias else ''})"

    attributes = [f"{key} = {number(value)}" for key in ("alpha", "limit", "up_offset")
                  if (value := getattr(e, key)) is not None]
    suffix = f" {{{', '.join(attributes)}}}" if attributes else ""
    types = rows.type + (f", {offsets.type}" if offsets else "")
    p.f.line(
        f"{result} = moe.expert_ffn {rows}{f', {offsets}' if offsets else ''}",
        operand("gate", w.gate, w.gate_bias) if w.gate else "",
        operand("up", w.up, w.up_bias),
        operand("down", w.down, w.down_bias),
        f"activation({e.activation}){suffix}",
        f": {types} -> {result.type}",
    )
    return result


@dataclass
class Routed:
    outputs: Value
    slot_row: Value


def run_experts(p: Part, x: Value, choice: Choice, e: Experts, w: FFN, capacity: Capacity) -> Routed:
    """Writes group, dispatch and expert_ffn: every expert on its own rows."""
    f, (tokens, top_k) = p.f, choice.indices.shape
    slots: Size = tokens * top_k if isinstance(tokens, int) else "S"
    row_slot = Value("row_slot", (slots,), "i32")
    slot_row = Value("slot_row", (tokens, top_k), "i32")
    offsets = Value("offsets", (e.count + 1,), "i32")
    rows = Value("rows", (slots, p.hidden), x.dtype)
    bound = ""
    if capacity is not None:
        write_capacity(p, x, e, top_k, capacity)
        bound = " capacity(%capacity)"
    f.line(
        f"{row_slot}, {slot_row}, {offsets} = moe.group {choice.indices}{bound}",
        f": {choice.indices.type} -> {row_slot.type}, {slot_row.type}, {offsets.type}",
    )
    f.line(f"{rows} = moe.dispatch {x}[{row_slot} by {top_k}] : {x.type}, {row_slot.type} -> {rows.type}")
    return Routed(expert_ffn(p, e, "outputs", rows, w, offsets), slot_row)


def write_capacity(p: Part, x: Value, e: Experts, top_k: int, capacity: Capacity) -> None:
    """Writes %capacity: how many rows an expert takes at most."""
    f = p.f
    if isinstance(capacity, int) and not isinstance(capacity, bool):
        check_size("capacity", capacity, minimum=0)
        f.line(f"%capacity = arith.constant {capacity} : index")
        return
    times, divisor = capacity_terms(capacity, e.count, top_k)
    f.line("%c0 = arith.constant 0 : index")
    f.line(f"%tokens = tensor.dim {x}, %c0 : {x.type}")
    f.line(f"%times = arith.constant {times} : index")
    f.line(f"%divisor = arith.constant {divisor} : index")
    f.line("%share = arith.muli %tokens, %times : index")
    f.line("%capacity = arith.ceildivui %share, %divisor : index")


def combine(p: Part, name: str, choice: Choice, routed: Routed) -> Value:
    """Writes the weighted sum of a token's rows."""
    y = Value(name, (choice.indices.shape[0], p.hidden), routed.outputs.dtype)
    p.f.line(
        f"{y} = moe.combine {routed.outputs}[{routed.slot_row}] weights({choice.weights.typed})",
        f": {routed.outputs.type}, {routed.slot_row.type} -> {y.type}",
    )
    return y


def collect(p: Part, choice: Choice, routed: Routed) -> Value:
    """Writes the rows of a token side by side."""
    slots = Value("slots", (*choice.indices.shape, p.hidden), routed.outputs.dtype)
    p.f.line(
        f"{slots} = moe.collect {routed.outputs}[{routed.slot_row}]",
        f": {routed.outputs.type}, {routed.slot_row.type} -> {slots.type}",
    )
    return slots


def shared_arguments(p: Part, e: Experts, shared: Optional[Shared]) -> dict[str, Value]:
    """Adds the arguments of a shared expert."""
    if shared is None:
        return {}
    found = ffn_arguments(p, e, "shared_", (), shared.ffn)
    if shared.scored:
        found["score"] = p.weight("shared_score", (1, p.hidden) if e.layout == "out_in" else (p.hidden, 1))
    return found


def add_shared(p: Part, x: Value, y: Value, e: Experts, found: dict[str, Value], name: str) -> Value:
    """Writes y + shared(x)."""
    weights = {key: value for key, value in found.items() if key != "score"}
    view = ffn_views(p, e, weights, "shared_")
    p.f.comment("The shared expert sees every token.")
    shared = expert_ffn(p, e, "shared", x, view, None)
    if "score" in found:
        score = _ops.linear(p.f, "shared_logit", x, found["score"], e.layout == "out_in", p.compute, "score")
        shared = _ops.sigmoid_scale(p.f, "scored", shared, score)
    return _ops.add(p.f, name, y, shared)
