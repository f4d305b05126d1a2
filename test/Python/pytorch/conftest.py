# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests that need PyTorch and transformers: scripts/test --torch."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

# The builder of tiny models is an example.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples"))
