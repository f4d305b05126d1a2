#!/usr/bin/env python3
# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the experts of every model family of transformers through moe, and compares with the family's own code.

    examples/transformers_families.py [FAMILY...]

A family is a folder of transformers/models whose experts can be switched. Of each, a tiny model with random weights
is built. It runs once in eager mode; each call of its experts is then repeated with "moe" on the same tokens, all at
once and the first alone (as in decoding), in f32 and in bf16. In f32, whole models are compared too.

The last line says how many families agree; the exit status is 0 if all do.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import logging
import re
import sys
import warnings
from pathlib import Path
from typing import Any, Iterator

import torch
import transformers

import moe.transformers
from moe.transformers import experts_of

# Sizes of a tiny model, by the name of the field; a configuration takes those that it has and that are set.
SIZES = {
    "vocab_size": 96, "hidden_size": 64, "intermediate_size": 48, "moe_intermediate_size": 48,
    "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16,
    "max_position_embeddings": 128, "num_experts": 8, "num_local_experts": 8, "n_routed_experts": 8,
    "moe_num_experts": 8, "num_experts_per_tok": 2, "moe_topk": 2, "moe_k": 2, "moe_top_k": 2, "top_k_experts": 2,
    "num_experts_per_token": 2, "n_group": 2, "topk_group": 1, "num_expert_group": 2, "num_limited_groups": 1,
    "num_expert_groups": 2, "first_k_dense_replace": 1, "num_dense_layers": 1, "n_shared_experts": 1,
    "num_shared_experts": 1, "kv_lora_rank": 16, "q_lora_rank": 24, "qk_rope_head_dim": 8, "qk_nope_head_dim": 16,
    "qk_head_dim": 24, "v_head_dim": 16, "o_lora_rank": 16, "shared_expert_intermediate_size": 32,
    "moe_shared_expert_intermediate_size": 32, "shared_intermediate_size": 32, "moe_shared_intermediate_size": 32,
    "mlp_intermediate_size": 48, "expert_ffn_hidden_size": 48, "moe_latent_size": 32, "moe_hidden_size": 32,
    "sliding_window": 16, "index_n_heads": 2, "index_head_dim": 16, "index_topk": 8, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2, "mamba_n_heads": 4, "mamba_num_heads": 4, "mamba_d_head": 32,
    "mamba_head_dim": 32, "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2, "ssm_state_size": 16,
    "mamba_n_groups": 1, "n_groups": 1, "mamba_chunk_size": 16, "chunk_size": 16, "mamba_dt_rank": 8,
    "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "global_head_dim": 16, "num_global_key_value_heads": 2, "hidden_size_per_layer_input": 8,
    "vocab_size_per_layer_input": 96,
}

# Fields that are not set by default, but must be.
NEEDED = {
    "pad_token_id", "bos_token_id", "eos_token_id", "num_experts", "num_local_experts", "n_routed_experts",
    "moe_intermediate_size", "top_k_experts", "moe_topk", "n_group", "topk_group",
}

# What a family needs besides: mostly that its few layers are of each kind.
OVERRIDES = {
    "bailing_hybrid": dict(layer_types=["linear_attention", "linear_attention", "full_attention"]),
    "beam": dict(mlp_layer_types=["dense", "sparse", "sparse"]),
    "deepseek_ocr2": dict(mlp_layer_types=["dense", "sparse", "sparse"], num_experts_per_tok=2),
    "deepseek_v2": dict(num_experts_per_tok=2),
    "dots1": dict(n_shared_experts=1, num_experts_per_tok=2),
    "ernie4_5_vl_moe": dict(moe_intermediate_size=[48, 32], rope_parameters={"rope_type": "default", "rope_theta": 500000.0, "mrope_section": [3, 3, 2]}),
    "gemma4": dict(enable_moe_block=True),
    "glm4v_moe": dict(rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5, "mrope_section": [2, 1, 1]}),
    "glm5_next": dict(mlp_layer_types=["dense", "sparse", "sparse"], index_kpool=4, qk_rope_head_dim=0),
    "granitemoehybrid": dict(layer_types=["mamba", "attention", "mamba"]),
    "hunyuan_v1_moe": dict(head_dim=16),
    "jamba": dict(attn_layer_period=2, attn_layer_offset=1),
    "kimi_linear": dict(layer_types=["linear_attention", "linear_attention", "full_attention"]),
    # A third of a head is turned, in pairs; sliding layers have twice the key heads.
    "mimo_v2_flash": dict(head_dim=24, num_key_value_heads=2),
    "lfm2_moe": dict(layer_types=["conv", "full_attention", "conv"]),
    "qwen3_5_moe": dict(num_hidden_layers=4),
    "qwen3_next": dict(num_hidden_layers=4),
    "qwen3_omni_moe": dict(shared_expert_intermediate_size=32),
    "qwen4_exp": dict(layer_types=["linear_attention", "indexed_attention"], num_hidden_layers=2, indexer_n_heads=2, indexer_kv_heads=1, indexer_head_dim=16, indexer_budget=8, indexer_compress_ratio=4),
    "zaya": dict(num_experts_per_tok=1),
}

# Where the experts are in a class of the wanted name: the first pattern that matches one.
CLASSES = ("ThinkerTextModel$|TalkerModel$", "ForCausalLM$", "TextModel$", "ForTokenClassification$", "Model$")

# Largest difference in a row over the row's root mean square, and the root mean square of the differences.
TOLERANCES = {torch.float32: (1e-4, 2e-5), torch.bfloat16: (1e-1, 1.5e-2)}


def families() -> list[str]:
    """The names of all families whose experts can be switched."""
    models = Path(transformers.__file__).parent / "models"
    switch = re.compile(r"^@use_experts_implementation", re.MULTILINE)
    return sorted(p.parent.name for p in models.glob("*/modeling_*.py") if switch.search(p.read_text()))


def classes(family: str) -> list[type]:
    """The classes of a family's language models, as a rule one."""
    module = importlib.import_module(f"transformers.models.{family}.modeling_{family}")
    found = {
        c.__name__: c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, transformers.PreTrainedModel) and c.__module__ == module.__name__
    }
    for pattern in CLASSES:
        names = [name for name in found if re.search(pattern, name)]
        if names:
            return list({found[name].config_class: found[name] for name in reversed(names)}.values())
    return []


def build(family: str, cls: type, dtype: torch.dtype = torch.float32, **overrides: Any) -> torch.nn.Module:
    """A tiny model with random weights, the same at each call."""
    fields = {f.name: f for f in dataclasses.fields(cls.config_class)}
    sizes = {k: v for k, v in SIZES.items() if k in fields and (k in NEEDED or fields[k].default is not None)}
    torch.manual_seed(0)
    model = cls(cls.config_class(**{**sizes, **OVERRIDES.get(family, {}), **overrides})).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if p.dim() >= 2:
                p.copy_(torch.randn(p.shape, generator=generator) / p.shape[-1] ** 0.5)
            elif "norm" not in name or "post_expert_norm" in name:
                p.copy_(torch.randn(p.shape, generator=generator) * 0.1)
        for _, module in experts_of(model):  # large enough that gates with a limit reach it
            for p in module.parameters():
                p.mul_(3 if p.dim() == 3 else 1)
    model.to(dtype)
    kept = getattr(model, "_keep_in_fp32_modules_strict", None) or ()
    for name, p in model.named_parameters():
        if any(part in name for part in kept):
            p.data = p.data.float()
    return model


def run(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """The logits, or the last hidden states."""
    embeds = not hasattr(model, "embed_tokens") and hasattr(model, "codec_embedding")
    inputs = {"inputs_embeds": model.codec_embedding(ids)} if embeds else {"input_ids": ids}
    out = model(**inputs, use_cache=False)
    return out.logits if getattr(out, "logits", None) is not None else out.last_hidden_state


def record(model: torch.nn.Module, ids: torch.Tensor) -> Iterator[tuple[torch.nn.Module, tuple, torch.Tensor]]:
    """Runs the model in eager mode and yields each call of its experts: (module, arguments, result)."""
    calls: list[Any] = []
    hooks = [
        module.register_forward_hook(lambda m, args, out: calls.append((m, tuple(a.clone() for a in args), out.clone())))
        for _, module in experts_of(model)
    ]
    model.set_experts_implementation("eager")
    run(model, ids)
    for hook in hooks:
        hook.remove()
    yield from calls


def difference(got: torch.Tensor, want: torch.Tensor) -> tuple[float, float]:
    """(largest, root mean square) of the differences of a row over the row's root mean square, of the worst row."""
    got, want = got.double().reshape(-1, got.shape[-1]), want.double().reshape(-1, want.shape[-1])
    scale = want.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-30)
    error = (got - want) / scale
    return error.abs().max().item(), error.square().mean(-1).sqrt().max().item()


def compare(family: str, cls: type, dtype: torch.dtype) -> tuple[float, str]:
    """Returns the largest difference, and what does not agree ("" if all does)."""
    model = build(family, cls, dtype)
    ids = torch.randint(3, 90, (2, 9), generator=torch.Generator().manual_seed(2))
    most, root = TOLERANCES[dtype]
    worst, problem, calls = 0.0, "", 0
    with torch.no_grad():
        for module, arguments, want in record(model, ids):
            module.config._experts_implementation = "moe"
            for rows in (want.shape[0], 1):
                got = module(*(a[:rows] for a in arguments))
                if got.dtype != want.dtype or got.shape != want[:rows].shape:
                    problem = f"{type(module).__name__}: {got.dtype} {tuple(got.shape)}"
                largest, mean = difference(got, want[:rows])
                worst = max(worst, largest)
                if not (largest <= most and mean <= root):
                    problem = f"{type(module).__name__}: largest {largest:.1e}, root mean square {mean:.1e}"
            calls += 1
        if not calls:
            problem = "no experts ran"
        if dtype == torch.float32:
            model.set_experts_implementation("eager")
            want = run(model, ids)
            model.set_experts_implementation("moe")
            largest, _ = difference(run(model, ids), want)
            if not largest <= 1e-3:
                problem = f"the whole model: {largest:.1e}"
    return worst, problem


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="all, if none is named")
    chosen = parser.parse_args().families or families()
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("error", message="moe.transformers: experts run in eager")
    print(f"{'family':24}{'f32':>9}{'bf16':>9}  ")
    agree = 0
    for family in chosen:
        worst: list[str] = []
        problems: list[str] = []
        for dtype in TOLERANCES:
            try:
                found = [compare(family, cls, dtype) for cls in classes(family)]
                worst.append(f"{max(number for number, _ in found):.1e}")
                problems += [f"{str(dtype)[6:]}: {text}" for _, text in found if text]
            except Exception as error:
                worst.append("-")
                problems.append(f"{str(dtype)[6:]}: {type(error).__name__}: {error}")
        agree += not problems
        print(f"{family:24}{worst[0]:>9}{worst[1]:>9}  {'; '.join(problems) or 'agrees'}", flush=True)
    print(f"{agree} of {len(chosen)} families agree")
    return 0 if agree == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
