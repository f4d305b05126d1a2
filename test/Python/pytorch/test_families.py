# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every family of transformers whose experts can be switched agrees with its own code."""

import warnings

import pytest
import torch
import transformers_families as families

FAMILIES = families.families()


def test_there_are_as_many_as_we_know():
    assert len(FAMILIES) == 64


@pytest.mark.parametrize("dtype", list(families.TOLERANCES), ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_family(family, dtype):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="moe.transformers")
        for cls in families.classes(family):
            assert families.compare(family, cls, dtype)[1] == ""
