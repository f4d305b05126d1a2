# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""DOT-MoE: experts out of a dense feed-forward network, by a transport plan."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from . import _ops, _parts
from ._ir import Value, check_choice, check_number, check_size, number, tensor
from .options import Experts, Router

RESULTS = ("y", "plan", "member", "order", "gate", "up", "down", "logits", "indices")


def dot(
    hidden: int,
    neurons: int,
    experts: int,
    top_k: int,
    *,
    temperature: Optional[float] = None,
    iterations: int = 50,
    method: str = "greedy",
    gated: bool = True,
    activation: str = "silu",
    bind: bool = True,
    tokens: Union[int, str] = "T",
    results: Sequence[str] = ("y",),
    name: str = "main",
    comment: Optional[str] = None,
) -> str:
    """Returns the text of a DOT-MoE step (arXiv 2606.01666), in f32.

    A dense FFN of ``neurons`` n becomes ``experts`` E of n/E neurons each: Sinkhorn shares the
    neurons out by ``scores`` [n,E], ``method`` ("greedy" or "exact") rounds the plan, the weights are
    cut accordingly; then each token goes to its ``top_k`` experts, with weight 1.

    ``temperature`` of the plan; None makes it an argument f32[1], to anneal it from call to call.
    ``bind``     True: the scores and weights are bound once, and so are the experts carved once.
    ``results``  of y [T,d], plan [n,E], member [n] (expert of each neuron, i32), order [n] (neurons
    sorted by expert, i32), the carved gate and up [E,d,n/E] and down [E,n/E,d], logits [T,E],
    indices [T,K].

    Arguments: ``x`` [T,d], ``scores`` [n,E], ``temperature`` [1] perhaps, ``router`` [d,E], ``gate``
    and ``up`` [d,n], ``down`` [n,d].
    """
    text = comment or (f"A dense network of {neurons} neurons, carved into {experts} experts by a transport plan;\n"
                       f"{top_k} of them for each token.")
    p = _parts.start(text, hidden, tokens, "f32", bind, name)
    check_size("neurons", neurons)
    check_size("experts", experts)
    if neurons % experts:
        raise ValueError(f"neurons: {neurons} do not divide by {experts} experts")
    size = neurons // experts
    if temperature is not None:
        check_number("temperature", temperature, above=0)
    check_size("iterations", iterations)
    check_choice("method", method, ("greedy", "exact"))
    e = Experts(experts, size, gated=gated, activation=activation)
    e.check()
    router = Router(score="softmax", weights="unit")
    router.check(experts, top_k)
    for result in results:
        check_choice("results", result, RESULTS)
        if result == "gate" and not gated:
            raise ValueError("results: there is no gate")
    if not results or len(set(results)) != len(results):
        raise ValueError(f"results: expected names that differ, at least one; got {tuple(results)!r}")

    f = p.f
    x = f.argument("x", (tokens, hidden), "f32")
    scores = p.weight("scores", (neurons, experts))
    heat = f.argument("temperature", (1,), "f32") if temperature is None else None
    router_weights = _parts.router_weights(p, router, e)
    dense = {n: p.weight(n, (hidden, neurons)) for n in (("gate", "up") if gated else ("up",))}
    dense["down"] = p.weight("down", (neurons, hidden))

    f.comment(f"Which neuron belongs to which expert: {size} to each.")
    if heat:
        f.line("%c0 = arith.constant 0 : index")
        f.line(f"%tau = tensor.extract {heat}[%c0] : {heat.type}")
    else:
        f.line(f"%tau = arith.constant {number(temperature or 0)} : f32")
    plan, member = Value("plan", scores.shape, "f32"), Value("member", (neurons,), "i32")
    f.line(f"{plan} = moe.sinkhorn {scores} temperature(%tau) iterations {iterations} final(col)",
           f": {scores.type} -> {plan.type}")
    f.line(f"%capacity = arith.constant dense<{size}> : {tensor((experts,), 'i32')}")
    f.line(f"{member} = moe.assign {plan}, %capacity method({method})",
           f": {plan.type}, {tensor((experts,), 'i32')} -> {member.type}")

    f.comment("The neurons, sorted by expert and cut: columns of gate and up, rows of down.")
    table, order = Value("table", (neurons, 1), "i32"), Value("order", (neurons,), "i32")
    f.line(f"{table} = tensor.expand_shape {member} [[0, 1]] output_shape [{neurons}, 1]",
           f": {member.type} into {table.type}")
    f.line(f"{order}, %place, %bounds = moe.group {table}",
           f": {table.type} -> {order.type}, {table.type}, {tensor((experts + 1,), 'i32')}")
    carved = {n: carve_columns(p, f"{n}_carved", dense[n], order, experts) for n in dense if n != "down"}
    carved["down"] = carve_rows(p, "down_carved", dense["down"], order, experts)

    f.comment(f"{top_k} of the {experts} experts for each token, each with weight 1.")
    choice = _parts.route(p, x, router_weights, router, top_k)
    view = _parts.FFN(carved.get("gate"), None, carved["up"], None, carved["down"], None)
    routed = _parts.run_experts(p, x, choice, e, view, None)
    y = Value("y", x.shape, "f32")
    f.line(f"{y} = moe.combine {routed.outputs}[{routed.slot_row}]",
           f": {routed.outputs.type}, {routed.slot_row.type} -> {y.type}")
    found = {"y": y, "plan": plan, "member": member, "order": order, "logits": choice.logits,
             "indices": choice.indices, **carved}
    for result in results:
        f.result(result, found[result])
    return f.module.text(f)


def carve_rows(p: _parts.Part, name: str, w: Value, order: Value, experts: int) -> Value:
    """[n,d] -> [E,n/E,d], the rows in this order."""
    cut = Value(name, (experts, w.shape[0] // experts, w.shape[1]), w.dtype)  # type: ignore[operator]
    lines = [
        f"%sorted = moe.dispatch %w[%order by 1] : {w.type}, {order.type} -> {w.type}",
        f"%cut = tensor.expand_shape %sorted [[0, 1], [2]] output_shape [{', '.join(map(str, cut.shape))}]",
        f"    : {w.type} into {cut.type}",
    ]
    text = _ops.function([f"%w: {w.type}", f"%order: {order.type}"], cut.type, lines, "%cut")
    helper = p.f.module.helper("carve_rows", "[n,d] -> [E,n/E,d], the rows in this order.", text)
    return p.f.call(cut, helper, w, order)


def carve_columns(p: _parts.Part, name: str, w: Value, order: Value, experts: int) -> Value:
    """[d,n] -> [E,d,n/E], the columns in this order."""
    d, n = w.shape
    rows, cut, carved = ((n, d), (experts, n // experts, d), (experts, d, n // experts))  # type: ignore[operator]
    row_type, cut_type, carved_type = (tensor(s, w.dtype) for s in (rows, cut, carved))
    lines = [
        f"%rows_empty = tensor.empty() : {row_type}",
        f"%rows = linalg.transpose ins(%w : {w.type}) outs(%rows_empty : {row_type}) permutation = [1, 0]",
        f"%sorted = moe.dispatch %rows[%order by 1] : {row_type}, {order.type} -> {row_type}",
        f"%cut = tensor.expand_shape %sorted [[0, 1], [2]] output_shape [{', '.join(map(str, cut))}]",
        f"    : {row_type} into {cut_type}",
        f"%empty = tensor.empty() : {carved_type}",
        f"%carved = linalg.transpose ins(%cut : {cut_type}) outs(%empty : {carved_type})",
        "    permutation = [0, 2, 1]",
    ]
    text = _ops.function([f"%w: {w.type}", f"%order: {order.type}"], carved_type, lines, "%carved")
    helper = p.f.module.helper("carve_columns", "[d,n] -> [E,d,n/E], the columns in this order.", text)
    return p.f.call(Value(name, carved, w.dtype), helper, w, order)
