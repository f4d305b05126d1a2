# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The layers of published models, from their sizes. Keywords are those of :func:`standard`.

Weights are [E,in,out]; ``layout="out_in"`` and ``gate_up="concatenated"`` read a checkpoint of Hugging
Face transformers as it is.
"""

from __future__ import annotations

from typing import Any, Optional

from .options import Experts, Router, Shared
from .standard import standard


def mixtral(hidden: int, ffn: int, experts: int = 8, top_k: int = 2, *, layout: str = "in_out",
            gate_up: str = "separate", **options: Any) -> str:
    """Mixtral: softmax over all experts, the weights of the selected sum to 1."""
    options.setdefault("comment", _title("Mixtral", experts, top_k))
    return standard(hidden, Experts(experts, ffn, layout=layout, gate_up=gate_up), top_k,
                    router=Router("softmax", "normalized"), **options)


def qwen3_moe(hidden: int, ffn: int, experts: int = 128, top_k: int = 8, *, normalized: bool = True,
              layout: str = "in_out", gate_up: str = "separate", **options: Any) -> str:
    """Qwen3-MoE: as Mixtral; ``normalized`` is the model's norm_topk_prob."""
    options.setdefault("comment", _title("Qwen3-MoE", experts, top_k))
    return standard(hidden, Experts(experts, ffn, layout=layout, gate_up=gate_up), top_k,
                    router=Router("softmax", "normalized" if normalized else "score"), **options)


def olmoe(hidden: int, ffn: int, experts: int = 64, top_k: int = 8, *, normalized: bool = False,
          layout: str = "in_out", gate_up: str = "separate", **options: Any) -> str:
    """OLMoE: softmax over all experts; the weights are not normalised."""
    options.setdefault("comment", _title("OLMoE", experts, top_k))
    return standard(hidden, Experts(experts, ffn, layout=layout, gate_up=gate_up), top_k,
                    router=Router("softmax", "normalized" if normalized else "score"), **options)


def granite(hidden: int, ffn: int, experts: int = 32, top_k: int = 8, *, layout: str = "in_out",
            gate_up: str = "separate", **options: Any) -> str:
    """Granite MoE: softmax over the logits of the selected experts."""
    options.setdefault("comment", _title("Granite MoE", experts, top_k))
    return standard(hidden, Experts(experts, ffn, layout=layout, gate_up=gate_up), top_k,
                    router=Router("identity", "softmax_selected"), **options)


def deepseek_v3(hidden: int, ffn: int, experts: int = 256, top_k: int = 8, *,
                groups: Optional[tuple[int, int, int]] = (8, 4, 2), scale: float = 2.5, shared: int = 1,
                normalized: bool = True, layout: str = "in_out", gate_up: str = "separate", **options: Any) -> str:
    """DeepSeek-V3: sigmoid scores, a bias and groups for the selection, ``shared`` shared experts of
    width ``ffn``, fused into one. The router's weight is f32 unless ``router_dtype`` says otherwise.
    """
    options.setdefault("comment", _title("DeepSeek-V3", experts, top_k))
    rule = "normalized" if normalized else "score"
    dtype = options.pop("router_dtype", None if options.get("dtype", "f32") == "f64" else "f32")
    router = Router("sigmoid", rule, bias=True, groups=groups, scale=scale,
                    epsilon=1e-20 if normalized else None, dtype=dtype)
    return standard(hidden, Experts(experts, ffn, layout=layout, gate_up=gate_up), top_k, router=router,
                    shared=Shared(shared * ffn) if shared else None, **options)


def gpt_oss(hidden: int, ffn: int, experts: int = 32, top_k: int = 4, *, alpha: float = 1.702, limit: float = 7.0,
            layout: str = "in_out", gate_up: str = "separate", **options: Any) -> str:
    """gpt-oss: softmax over the selected logits, biases, a clamped SwiGLU with (u + 1)."""
    options.setdefault("comment", _title("gpt-oss", experts, top_k))
    kind = Experts(experts, ffn, alpha=alpha, limit=limit, up_offset=1.0, bias=True, layout=layout, gate_up=gate_up)
    return standard(hidden, kind, top_k, router=Router("identity", "softmax_selected", logit_bias=True), **options)


def switch(hidden: int, ffn: int, experts: int = 8, *, capacity: Any = 1.25, layout: str = "in_out",
           **options: Any) -> str:
    """Switch Transformer: one expert for each token, no gate, relu, a capacity."""
    options.setdefault("comment", _title("Switch Transformer", experts, 1))
    return standard(hidden, Experts(experts, ffn, gated=False, activation="relu", layout=layout), 1,
                    router=Router("softmax", "score"), capacity=capacity, **options)


def _title(model: str, experts: int, top_k: int) -> str:
    return f"The layer of {model}: {top_k} of {experts} experts for each token."
