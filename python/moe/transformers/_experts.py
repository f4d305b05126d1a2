# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The forward function of experts modules: what transformers calls by the name "moe"."""

from __future__ import annotations

import warnings
from typing import Any, Iterator, Optional

import torch
from torch import Tensor, nn

import moe.torch
from moe.torch._check import FLOATS, INDICES

from . import _plan

_PLAIN = (Tensor, nn.Parameter)
_warned: set[str] = set()


@torch.compiler.disable
def _warn(reason: str) -> None:
    if reason not in _warned:
        _warned.add(reason)
        warnings.warn(f"moe.transformers: experts run in eager mode: {reason}", stacklevel=2)


def is_experts(module: nn.Module) -> bool:
    """Whether transformers lets the implementation of this module's forward be chosen."""
    return hasattr(module, "is_concatenated") and hasattr(module, "has_post_expert_norm")


def weights_of(self: nn.Module) -> tuple[Tensor, Optional[Tensor], Tensor, Optional[Tensor]]:
    """Up, its bias, down, its bias."""
    if self.has_gate:
        up, up_bias = self.gate_up_proj, self.gate_up_proj_bias if self.has_bias else None
    else:
        up, up_bias = self.up_proj, self.up_proj_bias if self.has_bias else None
    return up, up_bias, self.down_proj, self.down_proj_bias if self.has_bias else None


def _obstacle(x: Tensor, indices: Tensor, router: Tensor, weights: tuple[Optional[Tensor], ...]) -> Optional[str]:
    """Why there is no kernel for this call, or nothing."""
    if x.device.type not in ("cpu", "meta"):
        return f"the model is on {x.device.type}, there are kernels for the CPU alone"
    if x.dtype not in FLOATS or router.dtype not in FLOATS:
        return f"there are no kernels for {x.dtype} with router weights of {router.dtype}"
    if indices.dtype not in INDICES or x.dim() != 2 or indices.dim() != 2 or router.shape != indices.shape:
        return "hidden states, indices or weights are not what the experts interface describes"
    grad = torch.is_grad_enabled() and (x.requires_grad or router.requires_grad)
    compiling = torch.compiler.is_compiling()
    for weight in weights:
        if weight is None:
            continue
        if weight.dtype not in FLOATS:
            return f"there are no kernels for weights of {weight.dtype}"
        if not compiling and type(weight) not in _PLAIN and not isinstance(weight, torch._subclasses.FakeTensor):
            return f"the weights are of type {type(weight).__name__}"
        if weight.device != x.device:
            return f"the weights are on {weight.device}, the rows on {x.device}"
        if weight.dtype != weights[0].dtype:  # type: ignore[union-attr]
            return "the weights have different dtypes"
        grad = grad or (torch.is_grad_enabled() and weight.requires_grad)
    if grad:
        return "gradients are wanted, and there are none yet (for inference: torch.no_grad())"
    return None


def eager(self: nn.Module, reason: str, *arguments: Tensor) -> Tensor:
    """The model's own forward."""
    _warn(reason)
    return type(self).forward.__wrapped__(self, *arguments)  # type: ignore[attr-defined]


def _in_steps(self: nn.Module, x: Tensor, indices: Tensor, router: Tensor, weights: tuple) -> Tensor:
    """The two products compiled, and between them what the module has there."""
    up, up_bias, down, down_bias = weights
    top_k = indices.shape[1]
    row_slot, slot_row, offsets = moe.torch.group(indices, up.shape[0])
    slot = row_slot.clamp(min=0).long()
    rows = x[slot // top_k]
    expert = indices.reshape(-1)[slot].clamp(0, up.shape[0] - 1).long() if up_bias is not None else None
    rows = moe.torch.grouped_matmul(rows, up, offsets, transposed=self.is_transposed)
    if up_bias is not None:
        rows = rows + up_bias[expert]
    rows = self._apply_gate(rows) if self.has_gate else self.act_fn(rows)
    rows = moe.torch.grouped_matmul(rows.to(x.dtype), down, offsets, transposed=self.is_transposed)
    if down_bias is not None:
        rows = rows + down_bias[expert]
    if self.has_post_expert_norm:
        rows = self.post_expert_norm(rows)
    return moe.torch.combine(rows.to(x.dtype), slot_row, router)


def _packed(self: nn.Module) -> Any:
    return self._modules.get("_moe_packed")


def forward(self: nn.Module, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
    """What each token's experts make of it, weighted and summed: the experts interface of transformers."""
    x, indices, router = hidden_states, top_k_index, top_k_weights
    packed = _packed(self)
    if packed is not None:
        return _forward_packed(self, packed, x, indices, router)
    weights = weights_of(self)
    reason = _obstacle(x, indices, router, weights)
    if reason is not None:
        return eager(self, reason, x, indices, router)
    plan = _plan.find(self)
    norm = self.has_post_expert_norm
    if plan is None or (norm and not _plan.norms_rows(self)):
        return _in_steps(self, x, indices, router, weights)
    up, up_bias, down, down_bias = weights
    return moe.torch.experts(
        x, indices, router, up, down, up_bias=up_bias, down_bias=down_bias,
        norm=self.post_expert_norm.weight if norm else None, gate=plan.gate, activation=plan.activation,
        constants=tuple([_plan.read(self, path) for path in plan.constants]), transposed=self.is_transposed,
        interleaved=plan.interleaved, epsilon=float(self.post_expert_norm.eps) if norm else 0.0,
    )  # fmt: skip


def _forward_packed(self: nn.Module, packed: moe.torch.Packed, x: Tensor, indices: Tensor, router: Tensor) -> Tensor:
    reason = _obstacle(x, indices, router, ())
    if reason is None and x.dtype != packed.rows:
        reason = f"the rows are {x.dtype}, and the experts were packed for {packed.rows}"
    if reason is None and torch.is_grad_enabled() and any(p.requires_grad for p in self.parameters()):
        reason = "gradients are wanted, and packed experts have none (for inference: torch.no_grad())"
    if reason is None:
        return packed(x, indices, router)
    if self.down_proj.numel() == 0:
        raise RuntimeError(f"moe.transformers: the weights of these packed experts were freed, and {reason}")
    return eager(self, reason, x, indices, router)


def experts_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yields the experts modules of a model, with their names."""
    for name, module in model.named_modules():
        if is_experts(module):
            yield name, module


def pack(model: nn.Module, *, free: bool = False) -> int:
    """Copies the weights of all experts of `model` into the layout that is fastest, and returns their number.

    From then on the implementation "moe" reads the copies: changes of the weights do not show until `unpack`, or
    `pack` again. With ``free`` the originals are given up, and their memory with them: the model can then neither
    be saved nor run its experts in any other way.
    """
    count = 0
    for name, module in experts_of(model):
        weights = weights_of(module)
        plan = _plan.find(module)
        norm = module.has_post_expert_norm
        if plan is None or (norm and not _plan.norms_rows(module)):
            _warn(f"{name}: the gate or activation of {type(module).__name__} is not known, so it is not packed")
            continue
        x = torch.empty(0, weights[2].shape[2 if module.is_transposed else 1], dtype=weights[0].dtype)
        with torch.no_grad():
            reason = _obstacle(x, torch.empty(0, 1, dtype=torch.long), torch.empty(0, 1), weights)
        if reason is not None or x.shape[1] == 0:
            raise ValueError(f"moe.transformers.pack: {name}: {reason or 'the weights were freed'}")
        up, up_bias, down, down_bias = weights
        module._modules["_moe_packed"] = moe.torch.pack(
            up, down, up_bias=up_bias, down_bias=down_bias, norm=module.post_expert_norm.weight if norm else None,
            gate=plan.gate, activation=plan.activation,
            constants=tuple(_plan.read(module, path) for path in plan.constants), transposed=module.is_transposed,
            interleaved=plan.interleaved, epsilon=float(module.post_expert_norm.eps) if norm else 0.0,
        )  # fmt: skip
        if free:
            for weight in (up, up_bias, down, down_bias):
                if weight is not None:
                    weight.data = torch.empty(0, dtype=weight.dtype)
        count += 1
    if not count:
        _warn(f"{type(model).__name__} has no experts to pack")
    return count


def unpack(model: nn.Module) -> None:
    """Gives up the packed copies: the experts read their own weights again."""
    for name, module in experts_of(model):
        if _packed(module) is None:
            continue
        if module.down_proj.numel() == 0:
            raise ValueError(f"moe.transformers.unpack: {name}: the weights were freed, there is nothing to go back to")
        del module._modules["_moe_packed"]
