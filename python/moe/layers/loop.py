# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LoopMoE: a block of shared weights that runs several times."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from . import _ops, _parts
from ._ir import Value, check_choice, check_number, check_size, number, tensor
from .dag import NORMS
from .options import Capacity, Experts, Router

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
RESULTS = ("y", "logits_all", "indices_all", "weights_all", "y_all")


def loop(
    hidden: int,
    experts: Experts,
    top_k: int,
    *,
    iterations: int,
    condition: int,
    code: int = 64,
    mlp_hidden: Optional[int] = None,
    gated: bool = False,
    norm: str = "rms",
    epsilon: float = 1e-6,
    router: Router = Router(),
    capacity: Capacity = None,
    dtype: str = "f32",
    tokens: Union[int, str] = "T",
    bind: bool = True,
    results: Sequence[str] = ("y",),
    name: str = "main",
    comment: Optional[str] = None,
) -> str:
    """Returns the text of a LoopMoE block (arXiv 2606.04438): an MoE layer that runs ``iterations`` times.

    Iteration k of h[T,d], the weights being the same in each:

        v = silu(code(k) @ loop_w1 + loop_b1) @ loop_w2 + loop_b2          code(k): cosines, sines
        (scale | shift | gate) = silu(v + h @ loop_project) @ loop_modulate + loop_bias
        n = (1 + scale) * norm(h) + shift
        h = h + layer(n)                or h + gate * layer(n) with ``gated``

    ``condition`` width of v, ``code`` of the code (even), ``mlp_hidden`` between them (default: code).
    ``results`` of y [T,d] and, stacked over the iterations, logits_all [n,T,E], indices_all
    [n,T,K], weights_all [n,T,K], y_all [n,T,d].

    Arguments behind those of :func:`standard`: ``loop_w1`` [code,mlp_hidden], ``loop_b1``, ``loop_w2``
    [mlp_hidden,condition], ``loop_b2`` (these four f32), ``loop_project`` [d,condition],
    ``loop_modulate`` [condition,m*d], ``loop_bias`` [m*d], with m = 3 if ``gated``, else 2.
    """
    also = "\nEach iteration modulates its norm by its number and by the token, and routes anew."
    text = comment or f"A block of {experts.count} experts, {top_k} for each token, that runs {iterations} times." + also
    p = _parts.start(text, hidden, tokens, dtype, bind, name)
    experts.check()
    router.check(experts.count, top_k)
    middle = code if mlp_hidden is None else mlp_hidden
    check_size("iterations", iterations)
    check_size("condition", condition)
    check_size("mlp_hidden", middle)
    check_size("code", code, minimum=2)
    if code % 2:
        raise ValueError(f"code: expected an even width, got {code}")
    check_choice("norm", norm, NORMS)
    check_number("epsilon", epsilon, minimum=0)
    for result in results:
        check_choice("results", result, RESULTS)
    if not results or len(set(results)) != len(results):
        raise ValueError(f"results: expected names that differ, at least one; got {tuple(results)!r}")

    f, m = p.f, 3 if gated else 2
    x = f.argument("x", (tokens, hidden), dtype)
    router_weights = _parts.router_weights(p, router, experts)
    routed_weights = _parts.ffn_arguments(p, experts, lead=(experts.count,))
    w1 = p.weight("loop_w1", (code, middle), p.compute)
    b1 = p.weight("loop_b1", (middle,), p.compute)
    w2 = p.weight("loop_w2", (middle, condition), p.compute)
    b2 = p.weight("loop_b2", (condition,), p.compute)
    project = p.weight("loop_project", (hidden, condition))
    modulate = p.weight("loop_modulate", (condition, m * hidden))
    bias = p.weight("loop_bias", (m * hidden,))
    view = _parts.ffn_views(p, experts, routed_weights)

    stacks = [r for r in results if r != "y"]
    count = WORDS[iterations] if iterations < len(WORDS) else "iterations"
    names = ["y", *stacks] if "y" in results else ["last", *stacks]
    f.line(f"%{count} = arith.constant {iterations} : index")
    f.line(f"{', '.join('%' + n for n in names)} = moe.loop %{count} init({x.typed}) {{")
    f.line(f"^bb0(%k: index, %h: {x.type}):")
    f.indent, f.call_op = 4, "func.call"

    h = Value("h", x.shape, dtype)
    f.comment("Depends on k and weights alone.")
    f.line(f"%code = moe.iter_encode %k : {tensor((code,), p.compute)}")
    v = _ops.mlp(f, "v", Value("code", (code,), p.compute), w1, b1, w2, b2)
    n, alpha = Value("n", x.shape, dtype), Value("alpha", x.shape, dtype)
    f.line(
        f"{n}{', %alpha' if gated else ''} = moe.iter_adaln {h}, {v} project({project.typed})",
        f"modulate({modulate}, {bias} : {modulate.type}, {bias.type})",
        f"act(silu) norm({norm}) {{epsilon = {number(epsilon)} : f64}}",
        f": {h.type}, {v.type} -> {n.type}{f', {alpha.type}' if gated else ''}",
    )
    f.comment(f"{top_k} of {experts.count} experts for each token.")
    choice = _parts.route(p, n, router_weights, router, top_k)
    routed = _parts.run_experts(p, n, choice, experts, view, capacity)
    branch = _parts.combine(p, "branch", choice, routed)
    if gated:
        following = _ops.add_gated(f, "next", h, alpha, branch)
    else:
        following = Value("next", x.shape, dtype)
        f.line(f"%next = linalg.add ins({h}, {branch} : {h.type}, {branch.type}) outs({h.typed}) -> {h.type}")
    stacked = {"logits_all": choice.logits, "indices_all": choice.indices, "weights_all": choice.weights,
               "y_all": following}
    values = [stacked[r] for r in stacks]
    stack = f"stack({', '.join(map(str, values))} : {', '.join(v.type for v in values)})" if values else ""
    f.line(f"moe.yield {following.typed}", stack)
    f.indent, f.call_op = 2, "call"
    types = [Value(r, (iterations, *v.shape), v.dtype) for r, v in zip(stacks, values)]
    f.line(f"}} -> {x.type}" + (f" stack({', '.join(t.type for t in types)})" if types else ""))
    found = {"y": Value("y", x.shape, dtype), **{t.name: t for t in types}}
    for result in results:
        f.result(result, found[result])
    return f.module.text(f)
