# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""moe.torch: formulas, dtypes, layouts, bad input, tracing, threads."""

import copy
import os
import pickle
import threading

import pytest

torch = pytest.importorskip("torch")

import moe.torch
import torch.nn.functional as F
from moe.torch import _kernels, _threads

E, D, WIDTH, K = 6, 48, 20, 2
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3}


def formula(gate, constants, activation):
    """The gate in f64, on gate and up."""
    act = {"silu": F.silu, "gelu": F.gelu, "tanh": torch.tanh, "relu2": lambda x: F.relu(x) ** 2, "hardswish": F.hardswish,
           "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "gelu_10": lambda x: F.gelu(x).clip(-10, 10),
           "relu6": F.relu6, "none": lambda x: x, "relu": F.relu, "sigmoid": torch.sigmoid}[activation]  # fmt: skip
    if gate == "default":
        return lambda g, u: act(g) * u
    if gate == "clamp":
        (limit,) = constants
        return lambda g, u: act(g.clamp(max=limit)) * u.clamp(-limit, limit)
    if gate == "oai":
        limit, alpha = constants
        return lambda g, u: (u.clamp(-limit, limit) + 1) * g.clamp(max=limit) * torch.sigmoid(alpha * g.clamp(max=limit))
    if gate == "softcap":
        a, b = constants
        return lambda g, u: a * torch.tanh(g / a) * torch.sigmoid(g) * b * torch.tanh(u / b)
    return lambda p: act(p)


def expected(x, indices, weights, up, down, up_bias=None, down_bias=None, norm=None, gate="default", activation="silu",
             constants=(), transposed=False, interleaved=False, epsilon=1e-6):  # fmt: skip
    """Slot by slot, in f64."""
    y = torch.zeros(x.shape, dtype=torch.float64)
    combine = formula(gate, constants, activation)
    for t in range(x.shape[0]):
        for k in range(indices.shape[1]):
            e = int(indices[t, k])
            if e == up.shape[0]:
                continue
            a, b = up[e].double(), down[e].double()
            p = x[t].double() @ (a if transposed else a.T)
            p = p if up_bias is None else p + up_bias[e].double()
            if gate == "none":
                h = combine(p)
            else:
                h = combine(p[::2], p[1::2]) if interleaved else combine(*p.chunk(2))
            o = h @ (b if transposed else b.T)
            o = o if down_bias is None else o + down_bias[e].double()
            if norm is not None:
                z = o * (1 + norm.double())
                o = z * torch.rsqrt(z.square().mean() + epsilon)
            y[t] += weights[t, k].double() * o
    return y


def agree(got, want):
    assert got.shape == want.shape
    if got.numel() == 0:
        return
    error = (got.double() - want) / want.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)
    assert error.abs().max() <= 4 * TOLERANCE[got.dtype], error.abs().max()


def problem(tokens=7, dtype=torch.float32, router=torch.float32, gate="default", bias=False, transposed=False, width=WIDTH):
    generator = torch.Generator().manual_seed(tokens)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    columns = width if gate == "none" else 2 * width
    up, down = draw(E, columns, D) / D**0.5 * 2, draw(E, D, width) / width**0.5
    if transposed:
        up, down = up.transpose(1, 2).contiguous(), down.transpose(1, 2).contiguous()
    options = dict(up_bias=draw(E, columns).to(dtype), down_bias=draw(E, D).to(dtype)) if bias else {}
    indices = torch.randint(0, E + 1, (tokens, K), generator=generator)
    arguments = draw(tokens, D).to(dtype), indices, draw(tokens, K).to(router), up.to(dtype), down.to(dtype)
    return arguments, options


@pytest.fixture(autouse=True)
def _inference():
    with torch.no_grad():
        yield


GATES = [
    ("default", (), "silu"), ("default", (), "gelu_tanh"), ("default", (), "hardswish"), ("clamp", (0.7,), "silu"),
    ("clamp", (0.7,), "relu6"), ("oai", (0.9, 1.702), "silu"), ("softcap", (4.0, 25.0), "silu"), ("none", (), "relu2"),
    ("none", (), "gelu_10"), ("none", (), "tanh"),
]  # fmt: skip


@pytest.mark.parametrize("gate, constants, activation", GATES)
def test_gates(gate, constants, activation):
    arguments, _ = problem(gate=gate)
    options = dict(gate=gate, constants=constants, activation=activation)
    agree(moe.torch.experts(*arguments, **options), expected(*arguments, **options))


@pytest.mark.parametrize("dtype, router", [(torch.bfloat16, torch.float32), (torch.bfloat16, torch.bfloat16),
                                           (torch.float16, torch.float32), (torch.float16, torch.float16)])  # fmt: skip
@pytest.mark.parametrize("transposed", [False, True])
def test_dtypes_and_layouts(dtype, router, transposed):
    arguments, options = problem(dtype=dtype, router=router, transposed=transposed, bias=True)
    options |= dict(transposed=transposed, gate="oai", constants=(7.0, 1.702))
    got = moe.torch.experts(*arguments, **options)
    assert got.dtype == dtype
    agree(got, expected(*arguments, **options))


def test_interleaved():
    arguments, options = problem(transposed=True, bias=True)
    options |= dict(transposed=True, interleaved=True, gate="oai", constants=(7.0, 1.702))
    agree(moe.torch.experts(*arguments, **options), expected(*arguments, **options))


def test_norm_behind_the_experts():
    arguments, _ = problem()
    options = dict(norm=torch.linspace(-0.5, 0.5, D), epsilon=1e-8)
    agree(moe.torch.experts(*arguments, **options), expected(*arguments, **options))


@pytest.mark.parametrize("tokens", [0, 1, 2, 33])
def test_tokens(tokens):
    arguments, _ = problem(tokens)
    agree(moe.torch.experts(*arguments), expected(*arguments))


def test_a_width_that_divides_nothing():
    arguments, _ = problem(5, width=47)
    agree(moe.torch.experts(*arguments), expected(*arguments))


def test_strided_inputs_and_narrow_indices():
    (x, indices, weights, up, down), _ = problem(9)
    want = expected(x, indices, weights, up, down)
    strided = [torch.stack([t, t], -1)[..., 0] for t in (x, indices.int(), weights, up, down)]
    assert not any(t.is_contiguous() for t in strided)
    agree(moe.torch.experts(*strided), want)


def test_an_expert_twice_and_a_sentinel_with_a_nan():
    (x, indices, weights, up, down), _ = problem(4)
    indices[:] = torch.tensor([[3, 3], [0, E], [E, E], [5, 5]])
    weights[1, 1] = float("nan")
    got = moe.torch.experts(x, indices, weights, up, down)
    agree(got, expected(x, indices, weights, up, down))
    assert (got[2] == 0).all()


def test_inputs_are_neither_changed_nor_returned():
    arguments, _ = problem()
    before = [a.clone() for a in arguments]
    y = moe.torch.experts(*arguments)
    y.fill_(7)
    assert all(torch.equal(a, b) for a, b in zip(arguments, before))


def test_nothing_is_stale():
    (x, indices, weights, up, down), _ = problem()
    parameter = torch.nn.Parameter(down)
    moe.torch.experts(x, indices, weights, up, parameter)
    parameter.data.mul_(2)
    agree(moe.torch.experts(x, indices, weights, up, parameter), expected(x, indices, weights, up, parameter.data))


BAD = {
    "f64 rows": (lambda a: (a[0].double(), *a[1:]), TypeError, "x: expected float32"),
    "an index of f32": (lambda a: (a[0], a[1].float(), *a[2:]), TypeError, "indices: expected int64 or int32"),
    "a list": (lambda a: (a[0], a[1], [1.0], *a[3:]), TypeError, "expected tensors, got list"),
    "rank 3": (lambda a: (a[0][None], *a[1:]), ValueError, "x: expected 2 dimensions"),
    "other rows": (lambda a: (a[0][:, :-1], *a[1:]), ValueError, "up: expected rows of 47"),
    "fewer indices": (lambda a: (a[0], a[1][:-1], *a[2:]), ValueError, "indices: expected shape"),
    "weights of other slots": (lambda a: (a[0], a[1], a[2][:, :1], *a[3:]), ValueError, "weights: expected shape"),
    "odd columns": (lambda a: (*a[:3], a[3][:, :-1], a[4]), ValueError, "even number of columns"),
    "down of other experts": (lambda a: (*a[:4], a[4][:-1]), ValueError, "down: expected shape"),
    "mixed weights": (lambda a: (*a[:4], a[4].bfloat16()), TypeError, "down: expected float32"),
    "an index too large": (lambda a: (a[0], a[1] + 100, *a[2:]), RuntimeError, "index"),
    "a negative index": (lambda a: (a[0], a[1] - 2**40, *a[2:]), RuntimeError, "index"),
    "a sparse matrix": (lambda a: (a[0].to_sparse(), *a[1:]), (ValueError, NotImplementedError), ""),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input(what):
    change, error, message = BAD[what]
    arguments, _ = problem()
    moe.torch.experts(*arguments)
    with pytest.raises(error) as raised:
        moe.torch.experts(*change(arguments))
    assert message in str(raised.value)


def test_bad_options():
    arguments, options = problem(bias=True)
    with pytest.raises(ValueError, match="gate: expected one of none, default"):
        moe.torch.experts(*arguments, gate="glu")
    with pytest.raises(ValueError, match="gate clamp: expected 1 constants, got 0"):
        moe.torch.experts(*arguments, gate="clamp")
    with pytest.raises(ValueError, match="activation: expected one of"):
        moe.torch.experts(*arguments, activation="swish")
    with pytest.raises(ValueError, match="takes no biases"):
        moe.torch.experts(*arguments, gate="softcap", constants=(1.0, 1.0), **options)
    with pytest.raises(ValueError, match="expected both or none"):
        moe.torch.experts(*arguments, up_bias=options["up_bias"])


def test_compile_and_export():
    arguments, _ = problem()
    torch.library.opcheck(torch.ops.moe.experts.default, (*arguments[:4], None, arguments[4], None, None, "default", "silu",
                                                          [], False, False, 1e-6),
                          test_utils=("test_schema", "test_faketensor"))  # fmt: skip
    compiled = torch.compile(lambda *a: moe.torch.experts(*a) * 2, fullgraph=True, backend="aot_eager", dynamic=True)
    for tokens in (7, 3):
        part = [a[:tokens] for a in arguments[:3]]
        agree(compiled(*part, *arguments[3:]) / 2, expected(*part, *arguments[3:]))

    class Layer(torch.nn.Module):
        def forward(self, x, indices, weights):
            return moe.torch.experts(x, indices, weights, *arguments[3:])

    tokens = {0: torch.export.Dim("T", min=2)}
    exported = torch.export.export(Layer(), arguments[:3], dynamic_shapes=(tokens, tokens, tokens)).module()
    agree(exported(*(a[:4] for a in arguments[:3])), expected(*(a[:4] for a in arguments[:3]), *arguments[3:]))


def test_there_is_no_gradient_and_that_is_said():
    (x, *rest), _ = problem()
    with torch.enable_grad(), pytest.raises(NotImplementedError, match="no gradient yet"):
        moe.torch.experts(x.requires_grad_(), *rest).sum().backward()


def test_packed():
    arguments, options = problem(bias=True)
    options |= dict(gate="oai", constants=(7.0, 1.702))
    want = expected(*arguments, **options)
    packed = moe.torch.pack(*arguments[3:], **options)
    for one in (packed, copy.deepcopy(packed), pickle.loads(pickle.dumps(packed)), packed.to(torch.bfloat16)):
        agree(one(*arguments[:3]), want)
    x, indices, weights = arguments[:3]
    agree(packed(x, torch.cat([indices, indices], 1).int(), torch.cat([weights, weights], 1) / 2), want)
    with pytest.raises(TypeError, match="expected f32, as the weights were packed for"):
        packed(x.bfloat16(), indices, weights)
    with pytest.raises(ValueError, match="x: expected shape"):
        packed(x[:, 1:], indices, weights)
    with pytest.raises(moe.RunError):
        other = moe.torch.pack(*(w[:-1] for w in arguments[3:]))
        torch.ops.moe.packed_experts(x, indices, weights, other.blob, packed.spec)


def test_steps():
    (x, indices, weights, up, down), _ = problem(11)
    row_slot, slot_row, offsets = moe.torch.group(indices, E)
    rows = x[row_slot.clamp(min=0).long() // K]
    hidden = moe.torch.grouped_matmul(rows, up, offsets)
    gate, value = hidden.chunk(2, -1)
    outputs = moe.torch.grouped_matmul(F.silu(gate) * value, down.transpose(1, 2).contiguous(), offsets, transposed=True)
    agree(moe.torch.combine(outputs, slot_row, weights), expected(x, indices, weights, up, down))
    empty = moe.torch.group(indices[:0], E)
    assert empty[0].shape == (0,) and (empty[2] == 0).all()


def test_threads_are_those_of_torch():
    before = torch.get_num_threads()
    arguments, _ = problem(33)
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            assert _threads.context().threads == threads
            results.append(moe.torch.experts(*arguments))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_many_threads_at_once():
    arguments, _ = problem(33)
    want, wrong = moe.torch.experts(*arguments), []

    def work():
        with torch.no_grad():
            for _ in range(20):
                if not torch.equal(moe.torch.experts(*arguments), want):
                    wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_fork():
    arguments, _ = problem(33)
    want = moe.torch.experts(*arguments)
    child = os.fork()
    if child == 0:
        os._exit(0 if torch.equal(moe.torch.experts(*arguments), want) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_code_is_compiled_once():
    arguments, _ = problem(3)
    moe.torch.experts(*arguments)
    before = len(_kernels._functions)
    for tokens in (1, 5, 9):
        moe.torch.experts(*problem(tokens)[0])
    assert len(_kernels._functions) == before
