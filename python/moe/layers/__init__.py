# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes layers as MLIR that is meant to be read, and changed.

>>> import moe
>>> text = moe.layers.mixtral(hidden=64, ffn=80, experts=8, top_k=2)
>>> print(text.splitlines()[0])
// The layer of Mixtral: 2 of 8 experts for each token.

Each function returns the text of a module with one public function. :func:`standard` takes every
router and every kind of expert; :func:`dag`, :func:`loop` and :func:`dot` are the layers of DAG-MoE,
LoopMoE and DOT-MoE; the others are published models, from their sizes.
"""

from .dag import dag
from .dot import dot
from .loop import loop
from .models import deepseek_v3, gpt_oss, granite, mixtral, olmoe, qwen3_moe, switch
from .options import Experts, Router, Shared
from .standard import standard

__all__ = [
    "Experts", "Router", "Shared", "standard", "dag", "loop", "dot",
    "mixtral", "qwen3_moe", "olmoe", "granite", "deepseek_v3", "gpt_oss", "switch",
]
