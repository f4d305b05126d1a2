# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""DAG-MoE: the outputs of a token's experts exchange messages before they are summed."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from . import _parts
from ._ir import ACTIVATIONS, Value, check_choice, check_number, check_size, number
from .options import Capacity, Experts, Router, Shared
from .standard import RESULTS, describe

NORMS = ("rms", "layer")


def dag(
    hidden: int,
    experts: Experts,
    top_k: int,
    *,
    depth: int,
    width: int,
    message: str = "silu",
    norm: str = "rms",
    epsilon: float = 1e-6,
    residual: bool = True,
    residual_scale: Optional[float] = None,
    edges: bool = False,
    router: Router = Router(),
    shared: Optional[Shared] = None,
    capacity: Capacity = None,
    dtype: str = "f32",
    tokens: Union[int, str] = "T",
    bind: bool = True,
    results: Sequence[str] = ("y",),
    name: str = "main",
    comment: Optional[str] = None,
) -> str:
    """Returns the text of a DAG-MoE layer (arXiv 2606.01062), as :func:`standard` with messages.

    The K slots of a token are nodes x_i = weight_i * output_i + residual_scale * x. ``depth`` times
    each node normalises itself, projects to ``width`` g and adds the messages of all nodes:

        (a_i | b_i | p_i | q_i) = (norm(x_i) * dag_gamma[l]) @ dag_down[l] @ dag_message[l]
        x_i += (sum over j of edges[i,j] * message(a_i + b_j) * (p_i + q_j)) @ dag_up[l]

    ``message``  activation of the gate; ``norm`` rms or layer. ``residual_scale`` is 1/K if None;
    ``residual`` False leaves the token out. ``edges`` adds a weight [K,K], row = receiver.

    Arguments behind those of :func:`standard`: ``dag_gamma`` [L,d], ``dag_down`` [L,d,g],
    ``dag_message`` [L,g,4g], ``dag_up`` [L,g,d], ``dag_edges`` [K,K] (f32).
    """
    text = comment or describe(router, experts, top_k, shared) + f"\nThe outputs exchange messages, {depth} times."
    p = _parts.start(text, hidden, tokens, dtype, bind, name)
    experts.check()
    router.check(experts.count, top_k)
    if shared:
        shared.check()
    check_size("depth", depth)
    check_size("width", width)
    check_choice("message", message, ACTIVATIONS)
    check_choice("norm", norm, NORMS)
    check_number("epsilon", epsilon, minimum=0)
    if residual_scale is not None:
        check_number("residual_scale", residual_scale)
        if not residual:
            raise ValueError("residual_scale needs residual=True")
    for result in results:
        check_choice("results", result, RESULTS)
    if not results or len(set(results)) != len(results):
        raise ValueError(f"results: expected names that differ, at least one; got {tuple(results)!r}")

    x = p.f.argument("x", (tokens, hidden), dtype)
    router_weights = _parts.router_weights(p, router, experts)
    routed_weights = _parts.ffn_arguments(p, experts, lead=(experts.count,))
    shared_weights = _parts.shared_arguments(p, experts, shared)
    gamma = p.weight("dag_gamma", (depth, hidden))
    down = p.weight("dag_down", (depth, hidden, width))
    gates = p.weight("dag_message", (depth, width, 4 * width))
    up = p.weight("dag_up", (depth, width, hidden))
    edge_weights = p.weight("dag_edges", (top_k, top_k), p.compute) if edges else None
    view = _parts.ffn_views(p, experts, routed_weights)

    p.f.comment(f"{top_k} of {experts.count} experts for each token.")
    choice = _parts.route(p, x, router_weights, router, top_k)
    p.f.comment("Each expert computes on its own rows; a token gets its rows back side by side.")
    routed = _parts.run_experts(p, x, choice, experts, view, capacity)
    slots = _parts.collect(p, choice, routed)
    p.f.comment("The messages, then the sum.")
    y = Value("sum" if shared else "y", x.shape, dtype)
    attributes = [f"epsilon = {number(epsilon)} : f64"]
    if residual_scale is not None:
        attributes.append(f"residual_scale = {number(residual_scale)} : f64")
    p.f.line(
        f"{y} = moe.dag_aggregate {slots} weights({choice.weights.typed})",
        (f"residual({x.typed}) " if residual else "") + f"mask({routed.slot_row.typed})",
        f"edges({edge_weights.typed})" if edge_weights else "",
        f"norm {norm}({gamma.typed}) down({down.typed})",
        f"message {message}({gates.typed}) up({up.typed})",
        f"{{{', '.join(attributes)}}} : {slots.type} -> {y.type}",
    )
    if shared:
        y = _parts.add_shared(p, x, y, experts, shared_weights, "y")
    found = {"y": y, "logits": choice.logits, "indices": choice.indices, "weights": choice.weights}
    for result in results:
        p.f.result(result, found[result])
    return p.f.module.text(p.f)
