# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The page for users of PyTorch runs as it stands."""

import doctest
import importlib.util
from pathlib import Path

import moe.torch

FOLDER = Path(__file__).resolve().parents[1]


def test_page(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("docs_of_python", FOLDER / "test_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.test_page("docs/pytorch.md", FOLDER.parents[1], tmp_path, monkeypatch)


def test_docstrings():
    assert doctest.testmod(moe.torch).failed == 0
