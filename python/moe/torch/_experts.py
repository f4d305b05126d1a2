# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole experts as one operator: sort, up, gate, down, weighted sum."""

from __future__ import annotations

import dataclasses
import json
import weakref
from typing import Any, Optional, Sequence

import torch

import moe

from . import _check
from ._kernels import DTYPES, call, function
from ._register import is_plain, register
from ._text import NAMED, WRITTEN, Experts

GATES = {"none": 0, "default": 0, "clamp": 1, "oai": 2, "softcap": 2}  # with the number of their constants
_PLACE = "moe.torch.experts"
Tensor = torch.Tensor


def _spec(
    x: Tensor, indices: Tensor, weights: Tensor, up: Tensor, up_bias: Optional[Tensor], down: Tensor,
    down_bias: Optional[Tensor], norm: Optional[Tensor], gate: str, activation: str, constants: Sequence[float],
    transposed: bool, interleaved: bool, epsilon: float,
) -> Experts:
    """Checks everything; what the tensors and flags say together."""
    _check.choice(_PLACE, "gate", gate, tuple(GATES))
    _check.choice(_PLACE, "activation", activation, NAMED + tuple(WRITTEN))
    if len(constants) != GATES[gate]:
        raise ValueError(f"{_PLACE}: gate {gate}: expected {GATES[gate]} constants, got {len(constants)}")
    _check.tensor(_PLACE, "x", x, _check.FLOATS, 2)
    _check.tensor(_PLACE, "indices", indices, _check.INDICES, 2)
    _check.tensor(_PLACE, "weights", weights, _check.FLOATS, 2)
    _check.tensor(_PLACE, "up", up, _check.FLOATS, 3)
    _check.tensor(_PLACE, "down", down, (up.dtype,), 3)
    tokens, hidden = x.shape
    experts = up.shape[0]
    columns, inner = (up.shape[2], up.shape[1]) if transposed else (up.shape[1], up.shape[2])
    width = columns if gate == "none" else columns // 2
    if gate != "none" and columns % 2:
        raise ValueError(f"{_PLACE}: up: expected an even number of columns, gate and up, got {columns}")
    if 0 in (*up.shape, width, hidden):
        raise ValueError(f"{_PLACE}: up: expected no size of 0, got shape {tuple(up.shape)}")
    if inner != hidden:
        raise ValueError(f"{_PLACE}: up: expected rows of {hidden} as in x, got shape {tuple(up.shape)}")
    _check.shape(_PLACE, "down", down, experts, *((width, hidden) if transposed else (hidden, width)))
    _check.shape(_PLACE, "indices", indices, tokens, None)
    if indices.shape[1] == 0:
        raise ValueError(f"{_PLACE}: indices: expected at least one slot a token, got shape {tuple(indices.shape)}")
    _check.shape(_PLACE, "weights", weights, *indices.shape)
    if (up_bias is None) != (down_bias is None):
        raise ValueError(f"{_PLACE}: up_bias and down_bias: expected both or none")
    if up_bias is not None and down_bias is not None:
        _check.tensor(_PLACE, "up_bias", up_bias, (up.dtype,), 2)
        _check.tensor(_PLACE, "down_bias", down_bias, (up.dtype,), 2)
        _check.shape(_PLACE, "up_bias", up_bias, experts, columns)
        _check.shape(_PLACE, "down_bias", down_bias, experts, hidden)
    if up_bias is not None and (gate == "softcap" or activation not in NAMED):
        raise ValueError(f"{_PLACE}: gate {gate} with activation {activation} takes no biases")
    if norm is not None:
        _check.tensor(_PLACE, "norm", norm, (up.dtype,), 1)
        _check.shape(_PLACE, "norm", norm, hidden)
    return Experts(
        experts=experts, top_k=indices.shape[1], hidden=hidden, width=width, rows=DTYPES[x.dtype],
        weights=DTYPES[up.dtype], router=DTYPES[weights.dtype], index=DTYPES[indices.dtype], gate=gate,
        activation=activation, constants=tuple(constants), transposed=transposed, interleaved=interleaved,
        bias=up_bias is not None, norm=None if norm is None else epsilon,
    )  # fmt: skip


# What a call looks like -> the code for it: all that _spec checks, but for the number of tokens.
_plans: dict[Any, moe.Bound] = {}


def _key(x, indices, weights, up, up_bias, down, down_bias, norm, *flags) -> Any:
    return (
        x.shape[1:], x.dtype, x.layout, indices.shape[1:], indices.dtype, weights.dtype, up.shape, up.dtype, up.layout,
        down.shape, down.dtype, up_bias is None, norm is None, *flags,
    )  # fmt: skip


def _dense(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _run(
    x, indices, weights, up, up_bias, down, down_bias, norm, gate, activation, constants, transposed, interleaved, epsilon
):  # fmt: skip
    constants = tuple(constants)
    for value in (indices, weights, up, down):
        if not isinstance(value, Tensor):
            raise TypeError(f"{_PLACE}: expected tensors, got {type(value).__name__}")
    key = _key(
        x, indices, weights, up, up_bias, down, down_bias, norm, gate, activation, constants, transposed, interleaved,
        epsilon,
    )  # fmt: skip
    bound = _plans.get(key)
    tokens = x.shape[0]
    if (
        bound is None
        or indices.shape[0] != tokens
        or weights.shape != indices.shape
        or up_bias is not None
        or norm is not None
    ):
        arguments = (
            x, indices, weights, up, up_bias, down, down_bias, norm, gate, activation, constants, transposed,
            interleaved, epsilon,
        )  # fmt: skip
        spec = _spec(*arguments)
        if bound is None:
            bound = _plans[key] = function(spec, spec.text).bind()
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    if tokens:
        tensors = [x, indices, weights, up, up_bias, down, down_bias, norm, y]
        call(bound, [_dense(tensor) for tensor in tensors if tensor is not None], (tokens,))
    return y


def _fake(
    x, indices, weights, up, up_bias, down, down_bias, norm, gate, activation, constants, transposed, interleaved, epsilon
):  # fmt: skip
    return torch.empty_like(x, memory_format=torch.contiguous_format)


_op = register(
    "experts(Tensor x, Tensor indices, Tensor weights, Tensor up, Tensor? up_bias, Tensor down, Tensor? down_bias, "
    "Tensor? norm, str gate, str activation, float[] constants, bool transposed, bool interleaved, float epsilon) "
    "-> Tensor",
    _run,
    _fake,
)


def experts(
    x: Tensor,
    indices: Tensor,
    weights: Tensor,
    up: Tensor,
    down: Tensor,
    *,
    up_bias: Optional[Tensor] = None,
    down_bias: Optional[Tensor] = None,
    norm: Optional[Tensor] = None,
    gate: str = "default",
    activation: str = "silu",
    constants: Sequence[float] = (),
    transposed: bool = False,
    interleaved: bool = False,
    epsilon: float = 1e-6,
) -> Tensor:
    """The sum over a token's slots of weight times what the slot's expert makes of the token.

    ``x``        [T, d], f32, bf16 or f16.
    ``indices``  [T, K], i64 or i32: the experts of each token. Index E marks a slot that is not
                 computed here; anything else out of range is a RuntimeError.
    ``weights``  [T, K], any of the three dtypes.
    ``up``       [E, 2F, d] (gate and up), [E, F, d] without a gate; ``down`` [E, d, F]; with
                 ``transposed`` [E, d, 2F] and [E, F, d]. With ``interleaved`` the columns are
                 g0 u0 g1 u1 ..., otherwise gate, then up. Biases [E, 2F] and [E, d].
    ``gate``     none: act(p); default: act(g) * u; clamp: act(min(g, L)) * clip(u, -L, L) with
                 ``constants`` (L,); oai: (clip(u, -L, L) + 1) * g' * sigmoid(a g'), g' = min(g, L), with
                 (L, a); softcap: c tanh(g / c) * sigmoid(g) * b tanh(u / b) with (c, b).
    ``norm``     [d]: each output o becomes z / sqrt(mean(z^2) + epsilon), z = (1 + norm) * o, before
                 it is weighted.

    Products are summed in f32, the result is rounded once, to the dtype of ``x``.
    """
    run = _run if is_plain(x) else _op
    return run(
        x, indices, weights, up, up_bias, down, down_bias, norm, gate, activation, constants, transposed, interleaved,
        epsilon,
    )  # fmt: skip


def _encode(spec: Experts) -> str:
    return json.dumps(dataclasses.asdict(spec))


def _decode(text: str) -> Experts:
    fields = json.loads(text)
    return Experts(**{**fields, "constants": tuple(fields["constants"])})


_PACKED = "moe.torch.Packed"
_packed_plans: dict[Any, moe.Function] = {}


def _run_packed(x: Tensor, indices: Tensor, weights: Tensor, blob: Tensor, spec: str) -> Tensor:
    key = (spec, x.dtype, indices.shape[1:], indices.dtype, weights.dtype)
    found = _packed_plans.get(key)
    if found is None or x.shape[0] != indices.shape[0] or weights.shape != indices.shape or x.dim() != 2:
        _check.tensor(_PACKED, "x", x, _check.FLOATS, 2)
        _check.tensor(_PACKED, "indices", indices, _check.INDICES, 2)
        _check.tensor(_PACKED, "weights", weights, _check.FLOATS, 2)
        _check.shape(_PACKED, "indices", indices, x.shape[0], None)
        _check.shape(_PACKED, "weights", weights, *indices.shape)
        _check.tensor(_PACKED, "blob", blob, (torch.uint8,), 1)
        stored = _decode(spec)
        if DTYPES[x.dtype] != stored.rows:
            raise TypeError(f"{_PACKED}: x: expected {stored.rows}, as the weights were packed for, got {DTYPES[x.dtype]}")
        full = dataclasses.replace(
            stored, top_k=indices.shape[1], router=DTYPES[weights.dtype], index=DTYPES[indices.dtype]
        )
        found = _packed_plans[key] = function(full, full.text)
    _check.shape(_PACKED, "x", x, None, found.signature.inputs[0].shape[1])
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    if x.shape[0]:
        call(_bind(found, blob), [_dense(x), _dense(indices), _dense(weights), y], (x.shape[0],))
    return y


# id of a blob -> (the blob, its address, the function, the function on it); gone with the blob.
_bounds: dict[int, tuple[Any, int, moe.Function, moe.Bound]] = {}


def _bind(found: moe.Function, blob: Tensor) -> moe.Bound:
    """The function on the packed weights in `blob`."""
    name = id(blob)
    kept = _bounds.get(name)
    if kept is None or kept[0]() is not blob or kept[1] != blob.data_ptr() or kept[2] is not found:
        gone = weakref.ref(blob, lambda _: _bounds.pop(name, None))
        # The view must not keep the blob itself alive, only its memory.
        bound = found.bind_packed(blob.detach().numpy())
        kept = _bounds[name] = (gone, blob.data_ptr(), found, bound)
    return kept[3]


def _fake_packed(x: Tensor, indices: Tensor, weights: Tensor, blob: Tensor, spec: str) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


_packed_op = register(
    "packed_experts(Tensor x, Tensor indices, Tensor weights, Tensor blob, str spec) -> Tensor", _run_packed, _fake_packed
)


class Packed(torch.nn.Module):
    """Experts whose weights were copied into the layout that is fastest: what `pack` returns.

    Call it with (x, indices, weights). Later changes of the weights that it was made of do not show. It can be
    copied, pickled, saved and moved like any module; its only buffer holds what fits this machine's CPU alone.
    """

    blob: Tensor

    def __init__(self, spec: Experts, blob: Tensor):
        super().__init__()
        self.spec = _encode(spec)
        self.rows = next(dtype for dtype, name in DTYPES.items() if name == spec.rows)  # the dtype of rows to come
        self.register_buffer("blob", blob, persistent=False)

    def forward(self, x: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
        return (_run_packed if is_plain(x) else _packed_op)(x, indices, weights, self.blob, self.spec)

    def extra_repr(self) -> str:
        spec = _decode(self.spec)
        return f"{spec.experts} experts, {spec.hidden} x {spec.width}, {spec.weights}, gate={spec.gate}"


def pack(up: Tensor, down: Tensor, *, rows: Optional[torch.dtype] = None, **options: Any) -> Packed:
    """Copies the weights of experts into the layout that is fastest; the originals may be freed then.

    ``rows`` is the dtype of the rows to come, that of the weights by default; the rest as for `experts`.
    """
    rows = up.dtype if rows is None else rows
    defaults = dict(
        up_bias=None, down_bias=None, norm=None, gate="default", activation="silu", constants=(), transposed=False,
        interleaved=False, epsilon=1e-6,
    )  # fmt: skip
    unknown = set(options) - set(defaults)
    if unknown:
        raise TypeError(f"moe.torch.pack: unknown option '{sorted(unknown)[0]}'")
    o = {**defaults, **options}
    _check.tensor(_PLACE, "up", up, _check.FLOATS, 3)
    hidden = up.shape[1 if o["transposed"] else 2]
    x, indices = torch.empty(0, hidden, dtype=rows), torch.empty(0, 1, dtype=torch.int64)
    spec = _spec(
        x, indices, torch.empty(0, 1), up, o["up_bias"], down, o["down_bias"], o["norm"], o["gate"], o["activation"],
        o["constants"], o["transposed"], o["interleaved"], o["epsilon"],
    )  # fmt: skip
    spec = dataclasses.replace(spec, packed=True)
    weights = [up, o["up_bias"], down, o["down_bias"], o["norm"]]
    dense = [_dense(weight.detach()) for weight in weights if weight is not None]
    return Packed(spec, torch.frombuffer(bytearray(function(spec, spec.text).bind(dense).packed()), dtype=torch.uint8).clone())
