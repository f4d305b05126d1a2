# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A plain layer: a router, experts, their weighted sum, perhaps a shared expert."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from . import _parts
from ._ir import check_choice
from .options import Capacity, Experts, Router, Shared

RESULTS = ("y", "logits", "indices", "weights")


def standard(
    hidden: int,
    experts: Experts,
    top_k: int,
    *,
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
    """Returns the text of a layer: ``y[T,d] = layer(x[T,d], weights...)``.

    ``hidden``   d, the width of a token. ``top_k`` experts take part in each token.
    ``capacity`` rows that an expert takes at most: a number of rows (int), or a factor (float) f
                 for ceil(T * top_k * f / E). Later slots are dropped. None: no bound.
    ``dtype``    f32, bf16, f16, or f64 (target "reference" only); of x, y and the weights.
    ``tokens``   name of the dimension of x that a call is free in, or its fixed size.
    ``bind``     True: weights are bound once. False: they are arguments of each call and are read
                 where they lie.
    ``results``  of y, logits [T,E], indices [T,K], weights [T,K]: what is returned, in that order.

    Arguments, in order: ``x``, ``router`` [d,E], ``router_bias`` [E], ``score_bias`` [E] (f32),
    ``gate``, ``up``, ``down`` (or ``gate_up``, ``down``) with ``*_bias`` behind each, then the same as
    ``shared_*``, and ``shared_score``; those that the options ask for.

    Raises ``ValueError`` or ``TypeError`` for options that do not fit together.
    """
    p = _parts.start(comment or describe(router, experts, top_k, shared), hidden, tokens, dtype, bind, name)
    experts.check()
    router.check(experts.count, top_k)
    if shared:
        shared.check()
    for result in results:
        check_choice("results", result, RESULTS)
    if not results or len(set(results)) != len(results):
        raise ValueError(f"results: expected names that differ, at least one; got {tuple(results)!r}")

    x = p.f.argument("x", (tokens, hidden), dtype)
    router_weights = _parts.router_weights(p, router, experts)
    routed_weights = _parts.ffn_arguments(p, experts, lead=(experts.count,))
    shared_weights = _parts.shared_arguments(p, experts, shared)
    view = _parts.ffn_views(p, experts, routed_weights)

    p.f.comment(f"{top_k} of {experts.count} experts for each token.")
    choice = _parts.route(p, x, router_weights, router, top_k)
    p.f.comment("Each expert computes on its own rows.")
    routed = _parts.run_experts(p, x, choice, experts, view, capacity)
    p.f.comment("The weighted sum of their outputs.")
    y = _parts.combine(p, "routed" if shared else "y", choice, routed)
    if shared:
        y = _parts.add_shared(p, x, y, experts, shared_weights, "y")
    found = {"y": y, "logits": choice.logits, "indices": choice.indices, "weights": choice.weights}
    for result in results:
        p.f.result(result, found[result])
    return p.f.module.text(p.f)


def describe(router: Router, experts: Experts, top_k: int, shared: Optional[Shared]) -> str:
    """Returns the first comment of a text."""
    kind = "gated " if experts.gated else ""
    also = ", and a shared expert" if shared else ""
    return (f"A mixture of {experts.count} {kind}experts ({experts.activation}), {top_k} for each token{also}.\n"
            f"The router: {router.score} scores, {router.weights} weights.")
