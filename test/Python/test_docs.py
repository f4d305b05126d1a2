# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the code of the documentation, block after block, and compares what it prints."""

import contextlib
import doctest
import io
import re

import pytest

import moe

BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.M | re.S)


@pytest.mark.parametrize("page", ["docs/python.md", "docs/troubleshooting.md", "docs/tutorial.md"])
def test_page(page, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (root / page).read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks
    names = {"__name__": "__main__"}
    for block in blocks:
        line = text.count("\n", 0, block.start()) + 1
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            # Lines in a traceback are those of the page.
            exec(compile("\n" * line + block[1], str(root / page), "exec"), names)
        if block[2] is not None:
            assert printed.getvalue() == block[2], f"{page}:{line}"


@pytest.mark.parametrize("module", [moe, moe.layers])
def test_docstrings(module):
    assert doctest.testmod(module).failed == 0
