# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds out what a module of experts computes between its products.

A module has its gate as a method and its activation as an object; neither has a name that can be relied on.
So they are tried: on numbers of all magnitudes, against each formula that there is a kernel for. What equals
none of them is called as it is, on the rows between two compiled products.
"""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes
from transformers.integrations.moe import _default_apply_gate

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "relu2": lambda x: F.relu(x).square(),
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "none": lambda x: x,
    "relu6": F.relu6,
    "hardswish": F.hardswish,
    "gelu_10": lambda x: F.gelu(x).clip(-10, 10),
}


class Plan(NamedTuple):
    """What to tell the operator. `constants` are paths of attributes, read at each call."""

    gate: str
    activation: str
    constants: tuple[str, ...]
    interleaved: bool


def _numbers(rows: int, columns: int) -> Tensor:
    """Numbers of both signs and of magnitudes from 1e-3 to 1e5, the same at each call."""
    generator = torch.Generator().manual_seed(0)
    magnitude = 10 ** (torch.rand(rows, columns, generator=generator) * 8 - 3)
    return magnitude * torch.randn(rows, columns, generator=generator).sign()


def _same(a: Any, b: Tensor) -> bool:
    return (
        isinstance(a, Tensor)
        and a.shape == b.shape
        and torch.allclose(a.float(), b.float(), rtol=1e-5, atol=1e-6, equal_nan=True)
    )


def _activation(function: Any) -> Optional[str]:
    """The name of an activation, or nothing."""
    if not callable(function) or (isinstance(function, nn.Module) and any(True for _ in function.parameters())):
        return None
    x = _numbers(64, 8)
    got = function(x)
    return next((name for name, formula in ACTIVATIONS.items() if _same(got, formula(x))), None)


def read(module: nn.Module, path: str) -> float:
    """The number behind "limit", or "act_fn.gate_softcap.softcap"."""
    value: Any = module
    for name in path.split("."):
        value = getattr(value, name)
    return float(value)


def _has(module: nn.Module, path: str) -> bool:
    try:
        return math.isfinite(read(module, path))
    except (AttributeError, TypeError, ValueError):
        return False


def _gates(module: nn.Module, activation: Optional[str]) -> Any:
    """Yields each gate that the module's attributes allow: (plan, what it makes of gate and up)."""
    limits = [name for name in ("limit", "swiglu_limit") if _has(module, name) and read(module, name) > 0]
    alphas = [name for name in ("alpha", "swiglu_alpha") if _has(module, name)]
    for interleaved in (False, True):
        if activation is not None:
            act = ACTIVATIONS[activation]
            yield Plan("default", activation, (), interleaved), lambda g, u: act(g) * u
        for limit in limits:
            bound = read(module, limit)
            for name in dict.fromkeys(filter(None, (activation, "silu"))):
                yield (
                    Plan("clamp", name, (limit,), interleaved),
                    lambda g, u: ACTIVATIONS[name](g.clamp(max=bound)) * u.clamp(-bound, bound),
                )
            for alpha in alphas:
                factor = read(module, alpha)

                def oai(g: Tensor, u: Tensor) -> Tensor:
                    g = g.clamp(max=bound)
                    return (u.clamp(-bound, bound) + 1) * (g * torch.sigmoid(g * factor))

                yield Plan("oai", "silu", (limit, alpha), interleaved), oai
        caps = ("act_fn.gate_softcap.softcap", "act_fn.up_softcap.softcap")
        if all(_has(module, path) and read(module, path) != 0 for path in caps):
            first, second = (read(module, path) for path in caps)
            yield (
                Plan("softcap", "silu", caps, interleaved),
                lambda g, u: first * torch.tanh(g / first) * torch.sigmoid(g) * (torch.tanh(u / second) * second),
            )


def _find(module: nn.Module) -> Optional[Plan]:
    function = getattr(module, "act_fn", None)
    try:
        activation = _activation(function)
    except Exception:  # an activation of two operands, for instance
        activation = None
    if not module.has_gate:
        return None if activation is None else Plan("none", activation, (), False)
    default = "_apply_gate" not in vars(module) and type(module)._apply_gate is _default_apply_gate
    if default:
        return None if activation is None else Plan("default", activation, (), False)
    p = _numbers(64, 16)
    got = module._apply_gate(p)
    for plan, formula in _gates(module, activation):
        g, u = (p[:, ::2], p[:, 1::2]) if plan.interleaved else p.chunk(2, -1)
        if _same(got, formula(g, u)):
            return plan
    return None


@torch.compiler.assume_constant_result
def find(module: nn.Module) -> Optional[Plan]:
    """The plan of a module; nothing if its gate or activation is not known."""
    key = (vars(module).get("_apply_gate"), type(module)._apply_gate, getattr(module, "act_fn", None))
    kept = vars(module).get("_moe_plan")
    if kept is not None and all(a is b for a, b in zip(kept[0], key)):
        return kept[1]
    try:
        with _disable_current_modes(), torch.no_grad():
            plan = _find(module)
    except Exception:  # a gate that does not take these numbers is not one of ours
        plan = None
    vars(module)["_moe_plan"] = (key, plan)
    return plan


@torch.compiler.assume_constant_result
def norms_rows(module: nn.Module) -> bool:
    """Whether the norm behind the experts is z / sqrt(mean(z^2) + eps), z = (1 + weight) * o."""
    norm = module.post_expert_norm
    kept = vars(norm).get("_moe_known")
    if kept is None:
        try:
            with _disable_current_modes(), torch.no_grad():
                kept = _is_scaled_norm(norm)
        except Exception:
            kept = False
        vars(norm)["_moe_known"] = kept
    return kept


def _is_scaled_norm(norm: nn.Module) -> bool:
    if [name for name, _ in norm.named_parameters()] != ["weight"] or not _has(norm, "eps"):
        return False
    generator = torch.Generator().manual_seed(0)
    o = torch.randn(8, norm.weight.shape[0], generator=generator)
    weight = torch.randn(norm.weight.shape, generator=generator) * 0.3
    got = torch.func.functional_call(norm, {"weight": weight}, (o * 1e-3,))
    z = o * 1e-3 * (1 + weight)
    return _same(got, z * torch.rsqrt(z.square().mean(-1, keepdim=True) + norm.eps))
