# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What moe.layers writes, as text, and the options that it refuses. Nothing here is compiled."""

import re

import pytest

from moe import layers
from moe.layers import Experts, Router, Shared

FEW = Experts(4, 8)


def arguments(text):
    """The names and types of the public function's arguments, weights with a star."""
    head = text[text.index("func.func @") : text.index("    -> (")]
    return [("*" if "moe.weight" in marks else "") + f"{name} {type}"
            for name, type, marks in re.findall(r"%(\w+): (\S+) \{(.*)\}", head)]


def test_arguments():
    assert arguments(layers.mixtral(16, 8, 4, 2)) == [
        "x tensor<?x16xf32>", "*router tensor<16x4xf32>", "*gate tensor<4x16x8xf32>", "*up tensor<4x16x8xf32>",
        "*down tensor<4x8x16xf32>"]
    assert arguments(layers.mixtral(16, 8, 4, 2, layout="out_in", gate_up="concatenated", bind=False, dtype="bf16")) == [
        "x tensor<?x16xbf16>", "router tensor<4x16xbf16>", "gate_up tensor<4x16x16xbf16>", "down tensor<4x16x8xbf16>"]
    assert [a.split()[0] for a in arguments(layers.gpt_oss(16, 8, 4, 2))] == [
        "x", "*router", "*router_bias", "*gate", "*gate_bias", "*up", "*up_bias", "*down", "*down_bias"]
    deepseek = arguments(layers.deepseek_v3(16, 8, 8, 2, groups=(4, 2, 2), shared=3, dtype="bf16"))
    assert "*router tensor<16x8xf32>" in deepseek and "*score_bias tensor<8xf32>" in deepseek
    assert "*shared_down tensor<24x16xbf16>" in deepseek
    assert "*shared_score tensor<1x16xf32>" in arguments(
        layers.standard(16, Experts(4, 8, layout="out_in"), 2, shared=Shared(8, scored=True)))


def test_text():
    text = layers.standard(16, FEW, 2, router=Router(top_p=0.9, scale=1e-7), comment="Mine.\nAll mine.", name="layer", tokens="N")
    assert text.startswith("// Mine.\n// All mine.\n\nfunc.func @layer(\n") and text.endswith("}\n")
    assert "scale 1.0e-07 {top_p = 0.9}" in text and '"N"' in text and '"T"' not in text
    assert max(map(len, layers.mixtral(64, 80, 8, 2).splitlines())) <= 120
    fixed = layers.mixtral(16, 8, 4, 2, tokens=7)
    assert "tensor<7x16xf32>" in fixed and "?" not in fixed and "moe.dims" not in fixed
    for build in (layers.dag(16, FEW, 2, depth=1, width=4), layers.loop(16, FEW, 2, iterations=20, condition=4, code=4),
                  layers.dot(16, 8, 4, 2)):
        assert all(line == line.rstrip() for line in build.splitlines())


def loop(**options):
    return layers.loop(16, FEW, 2, **{"iterations": 2, "condition": 4, **options})


def dag(**options):
    return layers.dag(16, FEW, 2, **{"depth": 1, "width": 4, **options})


@pytest.mark.parametrize("build, message", [
    (lambda: layers.mixtral(0, 8, 4, 2), "hidden: expected at least 1, got 0"),
    (lambda: layers.mixtral(16, 8, 4, 5), "top_k: expected at most the number of experts, 4; got 5"),
    (lambda: layers.mixtral(16, 8, 4, 2, dtype="f8"), "dtype: expected one of f64, f32, f16, bf16; got 'f8'"),
    (lambda: layers.mixtral(16, 8, 4, 2, tokens="T x"), "tokens: expected letters, digits and underscores, got 'T x'"),
    (lambda: layers.mixtral(16, 8, 4, 2, tokens=-1), "tokens: expected at least 0, got -1"),
    (lambda: layers.mixtral(16, 8, 4, 2, name="a b"), "name: expected letters"),
    (lambda: layers.mixtral(16, 8, 4, 2, layout="oi"), "Experts.layout: expected one of in_out, out_in; got 'oi'"),
    (lambda: layers.mixtral(16, 8, 4, 2, results=()), "results: expected names that differ, at least one"),
    (lambda: layers.mixtral(16, 8, 4, 2, results=("y", "y")), "results: expected names that differ"),
    (lambda: layers.mixtral(16, 8, 4, 2, results=("z",)), "results: expected one of y, logits, indices, weights; got 'z'"),
    (lambda: layers.mixtral(16, 8, 4, 2, capacity=-1), "capacity: expected at least 0, got -1"),
    (lambda: layers.mixtral(16, 8, 4, 2, capacity=0.0), "capacity: expected a finite number above 0, got 0.0"),
    (lambda: layers.standard(16, FEW, 2, router=Router("tanh")), "Router.score: expected one of identity, softmax, sigmoid"),
    (lambda: layers.standard(16, FEW, 2, router=Router(weights="softmax_selected")), "need score 'identity', got 'softmax'"),
    (lambda: layers.standard(16, FEW, 2, router=Router(groups=(3, 1, 1))), "3 groups do not divide 4 experts"),
    (lambda: layers.standard(16, FEW, 2, router=Router(groups=(2, 3, 1))), "keep 3 of 2 by the best 1 of 2"),
    (lambda: layers.standard(16, FEW, 3, router=Router(groups=(2, 1, 1))), "3 experts are not in 1 groups of 2"),
    (lambda: layers.standard(16, FEW, 2, router=Router(top_p=1.5)), "Router.top_p: expected at most 1, got 1.5"),
    (lambda: layers.standard(16, FEW, 2, router=Router(scale=float("nan"))), "Router.scale: expected a finite number, got nan"),
    (lambda: layers.standard(16, FEW, 2, router=Router(weights="unit", epsilon=1e-9)), "epsilon needs weights 'normalized'"),
    (lambda: layers.standard(16, Experts(4, 8, gated=False, up_offset=1.0), 2), "up_offset needs a gate"),
    (lambda: layers.standard(16, Experts(4, 8, gated=False, gate_up="interleaved"), 2), "gate_up 'interleaved' needs a gate"),
    (lambda: layers.standard(16, Experts(4, 8, activation="gelu", alpha=1.0), 2), "alpha needs activation 'silu'"),
    (lambda: layers.standard(16, Experts(4, 8, limit=0), 2), "Experts.limit: expected a finite number above 0, got 0"),
    (lambda: layers.standard(16, FEW, 2, shared=Shared(0)), "Shared.ffn: expected at least 1, got 0"),
    (lambda: dag(depth=0), "depth: expected at least 1"),
    (lambda: dag(norm="l2"), "norm: expected one of rms, layer; got 'l2'"),
    (lambda: dag(residual=False, residual_scale=1.0), "residual_scale needs residual=True"),
    (lambda: loop(code=5), "code: expected an even width, got 5"),
    (lambda: loop(iterations=0), "iterations: expected at least 1, got 0"),
    (lambda: layers.dot(16, 9, 4, 2), "neurons: 9 do not divide by 4 experts"),
    (lambda: layers.dot(16, 8, 4, 2, temperature=0.0), "temperature: expected a finite number above 0"),
    (lambda: layers.dot(16, 8, 4, 2, gated=False, results=("gate",)), "results: there is no gate"),
    (lambda: layers.dot(16, 8, 4, 2, method="best"), "method: expected one of greedy, exact"),
])
def test_refused(build, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


@pytest.mark.parametrize("build, message", [
    (lambda: layers.mixtral(16.0, 8, 4, 2), "hidden: expected an int, got 16.0"),
    (lambda: layers.mixtral(16, True, 4, 2), "Experts.ffn: expected an int, got True"),
    (lambda: layers.standard(16, FEW, 2, router=Router(scale="2")), "Router.scale: expected a number, got '2'"),
    (lambda: layers.mixtral(16, 8, 4, 2, rooter=1), "rooter"),
])
def test_wrong_types(build, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        build()
