# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the layers have in common: how a token finds its experts, and what an expert computes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Optional, Union

from ._ir import ACTIVATIONS, FLOATS, check_choice, check_number, check_size

SCORES = ("identity", "softmax", "sigmoid")
RULES = ("score", "normalized", "softmax_selected", "unit")
LAYOUTS = ("in_out", "out_in")
GATE_UP = ("separate", "concatenated", "interleaved")


@dataclass(frozen=True)
class Router:
    """How a token finds its experts: the op ``moe.route``.

    ``score``      "softmax" or "sigmoid" of the logits, or the logits themselves ("identity").
    ``weights``    of the selected: their "score", "normalized" to sum to 1, "softmax_selected"
                   (over the selected logits alone; needs "identity") or "unit".
    ``bias``       a weight ``score_bias`` [E] that takes part in the selection only (DeepSeek-V3).
    ``logit_bias`` a weight ``router_bias`` [E] that is part of the logits (gpt-oss).
    ``groups``     (G, g, n): of G groups of experts, the g with the best sum of n keys take part.
    ``top_p``      a slot stays iff the scores before it sum to less than this.
    ``scale``      factor of the weights; ``epsilon`` is added to the sum that normalises them.
    ``dtype``      element type of the router's weight; by default the layer's. Logits are f32.
    """

    score: str = "softmax"
    weights: str = "normalized"
    bias: bool = False
    logit_bias: bool = False
    groups: Optional[tuple[int, int, int]] = None
    top_p: Optional[float] = None
    scale: Optional[float] = None
    epsilon: Optional[float] = None
    dtype: Optional[str] = None

    def check(self, experts: int, top_k: int) -> None:
        """Raises TypeError or ValueError if there is no such router for these sizes."""
        check_choice("Router.score", self.score, SCORES)
        check_choice("Router.weights", self.weights, RULES)
        check_size("top_k", top_k)
        if top_k > experts:
            raise ValueError(f"top_k: expected at most the number of experts, {experts}; got {top_k}")
        if self.weights == "softmax_selected" and self.score != "identity":
            raise ValueError(f"Router: weights 'softmax_selected' need score 'identity', got {self.score!r}")
        if self.groups is not None:
            if not isinstance(self.groups, tuple) or len(self.groups) != 3:
                raise ValueError(f"Router.groups: expected (groups, kept groups, best of a group), got {self.groups!r}")
            for name, value in zip(("groups", "kept groups", "best of a group"), self.groups):
                check_size(f"Router.groups: {name}", value)
            count, kept, best = self.groups
            if experts % count:
                raise ValueError(f"Router.groups: {count} groups do not divide {experts} experts")
            if kept > count or best > experts // count:
                raise ValueError(f"Router.groups: keep {kept} of {count} by the best {best} of {experts // count}")
            if top_k > kept * (experts // count):
                raise ValueError(f"top_k: {top_k} experts are not in {kept} groups of {experts // count}")
        if self.top_p is not None:
            check_number("Router.top_p", self.top_p, above=0)
            if self.top_p > 1:
                raise ValueError(f"Router.top_p: expected at most 1, got {self.top_p!r}")
        if self.scale is not None:
            check_number("Router.scale", self.scale)
        if self.epsilon is not None:
            check_number("Router.epsilon", self.epsilon, minimum=0)
            if self.weights != "normalized":
                raise ValueError(f"Router: epsilon needs weights 'normalized', got {self.weights!r}")
        if self.dtype is not None:
            check_choice("Router.dtype", self.dtype, FLOATS)


@dataclass(frozen=True)
class Experts:
    """``count`` feed-forward networks of width ``ffn``: the op ``moe.expert_ffn``.

        h = activation(min(g, limit)) * (clamp(u, -limit, limit) + up_offset)     gated
        h = activation(clamp(u, -limit, limit))                                   not gated

    with g = x @ gate (+ gate_bias), u = x @ up (+ up_bias); the result is h @ down (+ down_bias).

    ``activation`` one of none, silu, sigmoid, gelu, gelu_tanh, relu, relu2; ``alpha`` makes silu
                   g * sigmoid(alpha * g).
    ``layout``     "in_out": weights are [E,d,F] and [E,F,d], used as x @ w.
                   "out_in": [E,F,d] and [E,d,F], as torch.nn.Linear stores them.
    ``gate_up``    "separate": weights ``gate`` and ``up``. One weight ``gate_up`` of width 2F:
                   "concatenated", gate first, or "interleaved": g0 u0 g1 u1 ... Its bias likewise.
    """

    count: int
    ffn: int
    gated: bool = True
    activation: str = "silu"
    alpha: Optional[float] = None
    limit: Optional[float] = None
    up_offset: Optional[float] = None
    bias: bool = False
    layout: str = "in_out"
    gate_up: str = "separate"

    def check(self) -> None:
        """Raises TypeError or ValueError if there are no such experts."""
        check_size("Experts.count", self.count)
        check_size("Experts.ffn", self.ffn)
        check_choice("Experts.activation", self.activation, ACTIVATIONS)
        check_choice("Experts.layout", self.layout, LAYOUTS)
        check_choice("Experts.gate_up", self.gate_up, GATE_UP)
        if not self.gated and self.gate_up != "separate":
            raise ValueError(f"Experts: gate_up {self.gate_up!r} needs a gate")
        if not self.gated and self.up_offset is not None:
            raise ValueError("Experts: up_offset needs a gate")
        if self.alpha is not None:
            check_number("Experts.alpha", self.alpha)
            if self.activation != "silu":
                raise ValueError(f"Experts: alpha needs activation 'silu', got {self.activation!r}")
        if self.limit is not None:
            check_number("Experts.limit", self.limit, above=0)
        if self.up_offset is not None:
            check_number("Experts.up_offset", self.up_offset)


@dataclass(frozen=True)
class Shared:
    """A network of width ``ffn`` that sees every token and is added to the routed experts.

    It has the activation, the layout, the biases and the gate of the routed ones. ``scored`` scales
    it by sigmoid(x @ shared_score), a weight [d,1] (Qwen2-MoE).
    """

    ffn: int
    scored: bool = False

    def check(self) -> None:
        check_size("Shared.ffn", self.ffn)


Capacity = Union[int, Fraction, float, None]


def capacity_terms(capacity: Union[Fraction, float], experts: int, top_k: int) -> tuple[int, int]:
    """Returns (a, b) for a capacity of ceil(T * a / b): a factor times the share of an even split."""
    check_number("capacity", float(capacity), above=0)
    share = Fraction(capacity).limit_denominator(10000) * top_k / experts
    return share.numerator, share.denominator
