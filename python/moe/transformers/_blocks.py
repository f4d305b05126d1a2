# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole blocks of models: router, experts and shared expert compiled as one module."""

from __future__ import annotations

from typing import Any, Callable, Optional

import torch
from torch import Tensor, nn

from moe.torch import _block
from moe.torch._block_text import Block, Router
from moe.torch._kernels import DTYPES
from moe.torch._text import Experts

from . import _plan
from ._experts import _obstacle, _warn, weights_of


def _softmax(block: nn.Module) -> tuple[nn.Module, Router]:
    """Softmax over all experts; the weights of the chosen sum to 1, or are taken as they are."""
    normalized = getattr(block.gate, "norm_topk_prob", True)
    return block.gate, Router("softmax", "normalized" if normalized else "score")


def _deepseek(block: nn.Module) -> tuple[nn.Module, Router]:
    gate = block.gate
    groups = (gate.num_group, gate.topk_group, 2) if gate.num_group > 1 else ()
    rule, epsilon = ("normalized", 1e-20) if gate.norm_topk_prob else ("score", 0.0)
    return gate, Router("sigmoid", rule, groups, float(gate.routed_scaling_factor), epsilon, choice_bias=True)


def _gpt_oss(block: nn.Module) -> tuple[nn.Module, Router]:
    return block.router, Router("identity", "softmax_selected", bias=True)


def _granite(block: nn.Module) -> tuple[nn.Module, Router]:
    return block.router, Router("identity", "softmax_selected")


# Module and class of a block -> what its router does.
_FAMILIES: dict[tuple[str, str], Callable[[Any], tuple[nn.Module, Router]]] = {
    ("mixtral", "MixtralSparseMoeBlock"): _softmax,
    ("qwen3_moe", "Qwen3MoeSparseMoeBlock"): _softmax,
    ("olmoe", "OlmoeSparseMoeBlock"): _softmax,
    ("deepseek_v3", "DeepseekV3MoE"): _deepseek,
    ("gpt_oss", "GptOssMLP"): _gpt_oss,
    ("granitemoe", "GraniteMoeMoE"): _granite,
}


def _router_of(block: nn.Module) -> Optional[Callable[[Any], tuple[nn.Module, Router]]]:
    kind = type(block)
    path = kind.__module__.split(".")
    return _FAMILIES.get((path[-2], kind.__name__)) if path[:2] == ["transformers", "models"] else None


class CompiledBlock(nn.Module):
    """Runs a block as compiled code on the weights that the block has; what cannot be compiled, as the block does."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block
        self.spec = ""
        self.register_buffer("blob", None, persistent=False)
        self.prepare()

    def prepare(self) -> None:
        """Reads from the block what is to be computed."""
        block = self.block
        find = _router_of(block)
        if find is None:
            known = ", ".join(name for _, name in _FAMILIES)
            raise ValueError(f"moe.transformers.compile_block: expected one of {known}; got {type(block).__name__}")
        gate, router = find(block)
        experts = block.experts
        up, up_bias, down, _ = weights_of(experts)
        plan = _plan.find(experts)
        if plan is None:
            raise ValueError(f"moe.transformers.compile_block: the gate of {type(experts).__name__} is not known")
        if up.dtype not in DTYPES or up.device.type != "cpu":
            raise ValueError(f"moe.transformers.compile_block: no kernels for {up.dtype} on {up.device}")
        hidden, width = (down.shape[2], down.shape[1]) if experts.is_transposed else (down.shape[1], down.shape[2])
        shared = getattr(block, "shared_experts", None)
        dtype = DTYPES[up.dtype]
        self.compiled = Block(
            Experts(
                experts=up.shape[0], top_k=int(gate.top_k), hidden=hidden, width=width, rows=dtype, weights=dtype,
                router="f32", index="i32", gate=plan.gate, activation=plan.activation,
                constants=tuple(_plan.read(experts, path) for path in plan.constants),
                transposed=experts.is_transposed, interleaved=plan.interleaved, bias=up_bias is not None,
            ),
            router,
            0 if shared is None else shared.down_proj.weight.shape[1],
        )  # fmt: skip
        self.dtype = up.dtype
        self.spec = _block.encode(self.compiled)

    def weights(self) -> list[Tensor]:
        """The block's weights, in the order of the compiled function's arguments."""
        block = self.block
        gate = getattr(block, "gate", None) or block.router
        found = [gate.layer.weight if hasattr(gate, "layer") else gate.weight]
        if self.compiled.router.bias:
            found.append(gate.bias)
        if self.compiled.router.choice_bias:
            found.append(gate.e_score_correction_bias.float())  # `.to(dtype)` of a model rounds it
        if self.compiled.shared:
            shared = block.shared_experts
            found += [shared.gate_proj.weight, shared.up_proj.weight, shared.down_proj.weight]
        return found + [weight for weight in weights_of(block.experts) if weight is not None]

    def pack(self) -> None:
        """Copies the weights into the layout that is fastest; later changes of them do not show."""
        self.spec, self.blob = _block.pack(self.compiled, self.weights())

    def obstacle(self, x: Tensor) -> Optional[str]:
        """Why the block itself has to run, or nothing."""
        gate = getattr(self.block, "gate", None) or self.block.router
        if "forward" in vars(gate) or gate._forward_hooks or self.block.experts._forward_hooks:
            return "its router is watched"
        if x.dtype != self.dtype:
            return f"the rows are {x.dtype}, the block was compiled for {self.dtype}"
        if self.training and getattr(self.block, "jitter_noise", 0) > 0:
            return "it adds noise in training"
        none = x.new_empty((0, 1), dtype=torch.float32)
        weights = tuple(self.weights()) if self.blob is None else ()
        same_dtype = tuple(w for w in weights if w.dtype == self.dtype)
        return _obstacle(x.reshape(-1, x.shape[-1]), none.long(), none, same_dtype)

    def forward(self, hidden_states: Tensor) -> Any:
        reason = self.obstacle(hidden_states)
        if reason is not None:
            _warn(f"block {type(self.block).__name__}: {reason}")
            return self.block(hidden_states)
        x = hidden_states.reshape(-1, hidden_states.shape[-1])
        y, scores = _block.run(x, self.weights() if self.blob is None else [self.blob], self.spec)
        y = y.view(hidden_states.shape)
        return (y, scores.to(y.dtype)) if type(self.block).__name__ == "GptOssMLP" else y


def compile_block(block: nn.Module, *, pack: bool = False) -> CompiledBlock:
    """A module that computes what `block` does, as one compiled function; ``pack`` packs its weights.

    For the blocks of Mixtral, Qwen3-MoE, OLMoE, DeepSeek-V3, gpt-oss and Granite; any other is a ValueError.
    """
    compiled = CompiledBlock(block)
    compiled.train(block.training)
    if pack:
        compiled.pack()
    return compiled


def compile_blocks(model: nn.Module, *, pack: bool = False) -> int:
    """Puts a compiled block in the place of each that `model` has, and returns their number."""
    count = 0
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if not isinstance(parent, CompiledBlock) and _router_of(child) is not None:
                setattr(parent, name, compile_block(child, pack=pack))
                count += 1
    return count
