# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Experts of Hugging Face models, compiled: importing this registers the experts implementation "moe".

    import moe.transformers
    model = AutoModelForCausalLM.from_pretrained(..., experts_implementation="moe")
    model.set_experts_implementation("moe")       # or later, and back with "grouped_mm" or "eager"

Weights are read where they lie, at each call. `pack` copies them once, for speed; `compile_block` compiles
router, experts and shared expert of a block as one module.
"""

from __future__ import annotations

from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

from ._blocks import CompiledBlock, compile_block, compile_blocks
from ._experts import experts_of, forward, pack, unpack

ALL_EXPERTS_FUNCTIONS.register("moe", forward)

__all__ = ["CompiledBlock", "compile_block", "compile_blocks", "experts_of", "forward", "pack", "unpack"]
