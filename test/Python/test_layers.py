# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What moe.layers writes, compiled by both pipelines, against NumPy and against golden tensors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import reference
from conftest import check, read_safetensors, weights_for

import moe
from moe.layers import Experts, Router, Shared

TARGETS = ("reference", "cpu")
RESULTS = ("y", "logits", "indices", "weights")
D, T = 20, 9

# experts, top_k, router, further options
STANDARD = {
    "softmax": (Experts(6, 14), 2, Router(), {}),
    "score": (Experts(6, 14, activation="gelu", gate_up="concatenated"), 3, Router(weights="score", scale=1.5), {}),
    "sigmoid": (Experts(8, 12, activation="gelu_tanh", layout="out_in", gate_up="concatenated"), 4,
                Router("sigmoid", bias=True, groups=(4, 2, 2), scale=2.5, epsilon=1e-20), {"shared": Shared(10, scored=True)}),
    "selected": (Experts(6, 14, alpha=1.702, limit=1.0, up_offset=1.0, bias=True, layout="out_in", gate_up="interleaved"), 2,
                 Router("identity", "softmax_selected", logit_bias=True), {"shared": Shared(10)}),
    "no_gate": (Experts(6, 14, gated=False, activation="relu2", limit=2.0, bias=True), 1, Router(weights="score"), {"capacity": 2}),
    "top_p": (Experts(6, 14, activation="relu"), 4, Router(top_p=0.7), {"capacity": 0.75}),
    "unit": (Experts(3, 14, activation="sigmoid"), 3, Router("sigmoid", "unit"), {"tokens": T}),
}


@pytest.fixture(scope="module")
def compiled():
    """Compiles a text; those of STANDARD are on their way, two at a time, as soon as the first is asked for."""
    with ThreadPoolExecutor(2) as pool:
        started = {}

        def start(text, target):
            return started.setdefault((text, target), pool.submit(moe.compile, text, target=target))

        for case in STANDARD:
            for target in TARGETS:
                start(standard_text(case), target)
        yield lambda text, target="cpu": start(text, target).result().main
        pool.shutdown(cancel_futures=True)


def standard_text(case):
    experts, top_k, router, options = STANDARD[case]
    return moe.layers.standard(D, experts, top_k, router=router, results=RESULTS, **options)


def bind_random(function, seed=11):
    """Returns (the function with random weights, the weights in f64, random tokens)."""
    rng = np.random.default_rng(seed)
    weights = weights_for(function, rng)
    bound = function.bind(weights)
    x = rng.standard_normal((T, D)).astype(np.float32)
    return bound, {n: w.astype(np.float64) for n, w in weights.items()}, x


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", STANDARD)
def test_standard(case, target, compiled):
    experts, top_k, router, options = STANDARD[case]
    bound, weights, x = bind_random(compiled(standard_text(case), target))
    want = reference.standard(x, weights, experts, top_k, router, options.get("shared"), options.get("capacity"))
    for name, got in zip(RESULTS, bound(x)):
        check(got, want[name])


@pytest.mark.parametrize("target", TARGETS)
def test_weights_of_each_call(target, rng):
    """bind=False: the weights are inputs, read where they lie."""
    experts = Experts(4, 12, layout="out_in", gate_up="concatenated")
    function = moe.compile(moe.layers.standard(D, experts, 2, bind=False), target=target).main
    arrays = {a.name: rng.standard_normal([T if s == "T" else s for s in a.shape]).astype(np.float32) / 4
              for a in function.signature.inputs}
    wide = {n: a.astype(np.float64) for n, a in arrays.items()}
    check(function(**arrays), reference.standard(wide["x"], wide, experts, 2, Router())["y"])


@pytest.mark.parametrize("target", TARGETS)
def test_dag(target):
    experts, router = Experts(6, 14), Router()
    options = dict(message="sigmoid", norm="layer", epsilon=1e-5, residual_scale=0.25)
    text = moe.layers.dag(D, experts, 3, depth=2, width=6, edges=True, shared=Shared(8), capacity=4, **options)
    bound, weights, x = bind_random(moe.compile(text, target=target).main)
    options["kind"] = options.pop("norm")
    check(bound(x), reference.dag(x, weights, experts, 3, router, shared_options=Shared(8), capacity=4, **options))


@pytest.mark.parametrize("target", TARGETS)
def test_loop(target):
    experts, router = Experts(6, 12), Router()
    results = ("y", "logits_all", "indices_all", "weights_all", "y_all")
    text = moe.layers.loop(D, experts, 2, iterations=3, condition=8, code=8, mlp_hidden=10, gated=True, results=results)
    bound, weights, x = bind_random(moe.compile(text, target=target).main)
    want = reference.loop(x, weights, experts, 2, router, 3, gated=True)
    for name, got in zip(results, bound(x)):
        check(got, want[name], rtol=2e-5 * 3**0.5)


@pytest.mark.parametrize("target", TARGETS)
def test_dot(target):
    experts, router = Experts(6, 8), Router(weights="unit")
    results = ("y", "plan", "member", "order", "gate", "up", "down", "indices")
    bound, weights, x = bind_random(moe.compile(moe.layers.dot(D, 48, 6, 2, results=results), target=target).main)
    want = reference.dot(x, weights, experts, 2, router, float(np.float32(0.3)), 50)
    for name, got in zip(results, bound(x, np.array([0.3], np.float32))):
        check(got, want[name])


def test_low_precision():
    """bf16 and f16 in, the same out; the router stays in f32."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    experts = Experts(4, 16, bias=True, layout="out_in")
    for name, dtype, rtol in (("bf16", ml_dtypes.bfloat16, 2e-2), ("f16", np.float16, 3e-3)):
        text = moe.layers.standard(D, experts, 2, router=Router(bias=True), shared=Shared(8, scored=True), dtype=name)
        function = moe.compile(text).main
        rng = np.random.default_rng(5)
        weights = {n: w.astype(np.float32 if n == "score_bias" else dtype) for n, w in weights_for(function, rng).items()}
        x = rng.standard_normal((T, D)).astype(dtype)
        y = function.bind(weights)(x)
        assert y.dtype == dtype
        wide = {n: w.astype(np.float64) for n, w in weights.items()}
        want = reference.standard(x.astype(np.float64), wide, experts, 2, Router(bias=True), Shared(8, scored=True))["y"]
        check(y.astype(np.float64), want, rtol=rtol)


# Golden tensors: the text, and the name of each weight in the case's inputs.
WEIGHTS = {"router": "w_router", "gate": "w_gate", "up": "w_up", "down": "w_down"}
GOLDEN = {
    "deepseek_v3": (
        lambda: moe.layers.deepseek_v3(24, 16, 16, 4, groups=(4, 2, 2), shared=2, results=RESULTS),
        {**WEIGHTS, "score_bias": "score_bias", "shared_gate": "shared_w_gate", "shared_up": "shared_w_up",
         "shared_down": "shared_w_down"}),
    "gpt_oss": (
        lambda: moe.layers.gpt_oss(32, 24, 8, 4, results=RESULTS),
        {**WEIGHTS, "router_bias": "router_bias", "gate_bias": "b_gate", "up_bias": "b_up", "down_bias": "b_down"}),
    "dag_layer": (
        lambda: moe.layers.dag(20, Experts(6, 14), 2, depth=2, width=8, results=("indices", "weights", "y")),
        {"router": "w_router", "gate": "w_gate", "up": "w_up_expert", "down": "w_down_expert", "dag_gamma": "gamma",
         "dag_down": "w_down", "dag_message": "w_c", "dag_up": "w_up"}),
    "loop_m3_k3": (
        lambda: moe.layers.loop(20, Experts(6, 12), 2, iterations=3, condition=8, code=8, mlp_hidden=10, gated=True,
                                results=("y", "logits_all", "indices_all", "weights_all", "y_all")),
        {**WEIGHTS, "loop_w1": "mlp_w1", "loop_b1": "mlp_b1", "loop_w2": "mlp_w2", "loop_b2": "mlp_b2",
         "loop_project": "w_h", "loop_modulate": "w_mod", "loop_bias": "b_mod"}),
}
RENAMED = {"loop_m3_k3": {"x": "h", "y": "h3", "y_all": "h_all"}}


@pytest.mark.parametrize("case", GOLDEN)
def test_golden(case, root):
    """The builders agree with the models' own code."""
    build, names = GOLDEN[case]
    folder = root / "test/golden" / case
    inputs = read_safetensors(folder / "inputs.safetensors")
    expected = read_safetensors(folder / "expected.safetensors")
    renamed = RENAMED.get(case, {})
    function = moe.compile(build()).main
    results = function.bind({mine: inputs[theirs] for mine, theirs in names.items()})(inputs[renamed.get("x", "x")])
    for argument, got in zip(function.signature.outputs, results):
        check(got, expected[renamed.get(argument.name, argument.name)], rtol=2e-5 * 3**0.5)


def test_models_compile():
    """The other models' texts say what their signatures promise."""
    texts = {"qwen3_moe": moe.layers.qwen3_moe(16, 8, 4, 2), "granite": moe.layers.granite(16, 8, 4, 2),
             "switch": moe.layers.switch(16, 8, 4)}
    for name, text in texts.items():
        signature = moe.compile(text, target="reference").main.signature
        assert str(signature.inputs[0]) == "x: f32[T, 16]", name
        assert [a.name for a in signature.weights][0] == "router", name
