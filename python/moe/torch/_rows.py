# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The steps of experts as operators of their own, for what comes between them to be PyTorch."""

from __future__ import annotations

import torch

from . import _check
from ._experts import _dense
from ._kernels import DTYPES, call, function
from ._register import register
from ._text import tensor as tensor_type

Tensor = torch.Tensor


def _run_group(indices: Tensor, experts: int) -> tuple[Tensor, Tensor, Tensor]:
    place = "moe.torch.group"
    _check.tensor(place, "indices", indices, _check.INDICES, 2)
    if experts < 1 or indices.shape[1] < 1:
        raise ValueError(f"{place}: expected at least one expert and one slot, got {experts} and {indices.shape[1]}")
    row_slot, slot_row, offsets = _fake_group(indices, experts)
    if indices.dtype == torch.int64:
        indices = indices.clamp(-2, experts + 1).int()  # what i32 cannot hold stays out of range
    if indices.shape[0] == 0:
        return row_slot, slot_row, offsets.zero_()
    slots, top_k = tensor_type((None,), "i32"), indices.shape[1]
    table, ends = tensor_type((None, top_k), "i32"), tensor_type((experts + 1,), "i32")

    def text() -> str:
        dims = 'moe.dims = ["T", ""]'
        return f"""
func.func @group(%indices: {table} {{{dims}}})
    -> ({table} {{{dims}}}, {table} {{{dims}}}, {ends}) {{
  %row_slot, %slot_row, %offsets = moe.group %indices {{num_candidates = {experts + 1} : i64}}
      : {table} -> {slots}, {table}, {ends}
  // The size of a result is that of an argument.
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %indices, %c0 : {table}
  %rows = tensor.expand_shape %row_slot [[0, 1]] output_shape [%tokens, {top_k}] : {slots} into {table}
  return %rows, %slot_row, %offsets : {table}, {table}, {ends}
}}"""

    found = function(("group", top_k, experts), text)
    call(_bound(found), [_dense(indices), row_slot, slot_row, offsets], (indices.shape[0],))
    return row_slot, slot_row, offsets


def _fake_group(indices: Tensor, experts: int) -> tuple[Tensor, Tensor, Tensor]:
    make = indices.new_empty
    slots = indices.shape[0] * indices.shape[1]
    return (
        make((slots,), dtype=torch.int32),
        make(indices.shape, dtype=torch.int32),
        make((experts + 1,), dtype=torch.int32),
    )


def _run_grouped_matmul(rows: Tensor, weights: Tensor, offsets: Tensor, transposed: bool) -> Tensor:
    place = "moe.torch.grouped_matmul"
    _check.tensor(place, "rows", rows, _check.FLOATS, 2)
    _check.tensor(place, "weights", weights, _check.FLOATS, 3)
    _check.tensor(place, "offsets", offsets, (torch.int32,), 1)
    experts, inner, outer = weights.shape if transposed else (weights.shape[0], weights.shape[2], weights.shape[1])
    _check.shape(place, "rows", rows, None, inner)
    _check.shape(place, "offsets", offsets, experts + 1)
    result = _fake_grouped_matmul(rows, weights, offsets, transposed)
    if rows.shape[0] == 0:
        return result
    a, b = DTYPES[rows.dtype], DTYPES[weights.dtype]

    def text() -> str:
        left, right = tensor_type((None, inner), a), tensor_type((None, outer), a)
        stored, wanted = tensor_type(tuple(weights.shape), b), tensor_type((experts, inner, outer), b)
        ends = tensor_type((experts + 1,), "i32")
        dims = 'moe.dims = ["S", ""]'
        turn = "" if transposed else f"""
  %empty = tensor.empty() : {wanted}
  %turned = linalg.transpose ins(%weights : {stored}) outs(%empty : {wanted}) permutation = [0, 2, 1]"""
        return f"""
func.func @grouped_matmul(%rows: {left} {{{dims}}}, %weights: {stored}, %offsets: {ends})
    -> ({right} {{{dims}}}) {{{turn}
  %result = moe.grouped_matmul %rows, {"%weights" if transposed else "%turned"}, %offsets
      : {left}, {wanted}, {ends} -> {right}
  return %result : {right}
}}"""

    found = function(("grouped_matmul", tuple(weights.shape), transposed, a, b), text)
    call(_bound(found), [_dense(rows), _dense(weights), _dense(offsets), result], (rows.shape[0],))
    return result


def _fake_grouped_matmul(rows: Tensor, weights: Tensor, offsets: Tensor, transposed: bool) -> Tensor:
    return rows.new_empty((rows.shape[0], weights.shape[2 if transposed else 1]))


def _run_combine(rows: Tensor, slot_row: Tensor, weights: Tensor) -> Tensor:
    place = "moe.torch.combine"
    _check.tensor(place, "rows", rows, _check.FLOATS, 2)
    _check.tensor(place, "slot_row", slot_row, (torch.int32,), 2)
    _check.tensor(place, "weights", weights, _check.FLOATS, 2)
    _check.shape(place, "weights", weights, *slot_row.shape)
    result = _fake_combine(rows, slot_row, weights)
    if slot_row.shape[0] == 0:
        return result
    a, w, hidden, top_k = DTYPES[rows.dtype], DTYPES[weights.dtype], rows.shape[1], slot_row.shape[1]

    def text() -> str:
        outputs, table = tensor_type((None, hidden), a), tensor_type((None, top_k), "i32")
        factors, tokens = tensor_type((None, top_k), w), 'moe.dims = ["T", ""]'
        return f"""
func.func @combine(%rows: {outputs} {{moe.dims = ["S", ""]}}, %slot_row: {table} {{{tokens}}},
    %weights: {factors} {{{tokens}}}) -> ({outputs} {{{tokens}}}) {{
  %y = moe.combine %rows[%slot_row] weights(%weights : {factors}) : {outputs}, {table} -> {outputs}
  return %y : {outputs}
}}"""

    found = function(("combine", hidden, top_k, a, w), text)
    sizes = {"S": rows.shape[0], "T": slot_row.shape[0]}
    tensors = [_dense(rows), _dense(slot_row), _dense(weights), result]
    call(_bound(found), tensors, tuple(sizes[dim] for dim in found.signature.dims))
    return result


def _fake_combine(rows: Tensor, slot_row: Tensor, weights: Tensor) -> Tensor:
    return rows.new_empty((slot_row.shape[0], rows.shape[1]))


def _bound(found):
    """The function, which has no weights to bind, ready to be called."""
    if found._unbound is None:
        found._unbound = found.bind()
    return found._unbound


_group = register("group(Tensor indices, int experts) -> (Tensor, Tensor, Tensor)", _run_group, _fake_group)
_grouped_matmul = register(
    "grouped_matmul(Tensor rows, Tensor weights, Tensor offsets, bool transposed) -> Tensor",
    _run_grouped_matmul,
    _fake_grouped_matmul,
)
_combine = register("combine(Tensor rows, Tensor slot_row, Tensor weights) -> Tensor", _run_combine, _fake_combine)


def group(indices: Tensor, experts: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sorts the slots of ``indices`` [T, K] by expert, stably; index ``experts`` marks a slot without one.

    Returns, as i32: ``row_slot`` [T*K], the flat slot t*K+k of each row, -1 behind the last; ``slot_row`` [T, K],
    the row of each slot or -1; ``offsets`` [E+1]: rows offsets[e] to offsets[e+1] belong to expert e.
    """
    return _group(indices, experts)


def grouped_matmul(rows: Tensor, weights: Tensor, offsets: Tensor, *, transposed: bool = False) -> Tensor:
    """Multiplies each expert's rows [S, a] with its own matrix, [E, b, a] or, if ``transposed``, [E, a, b].

    Rows behind the last of ``offsets`` [E+1] have unspecified contents.
    """
    return _grouped_matmul(rows, weights, offsets, transposed)


def combine(rows: Tensor, slot_row: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of each token's rows: y[t] = sum over k of weights[t, k] * rows[slot_row[t, k]].

    A slot with row -1 is skipped, whatever its weight.
    """
    return _combine(rows, slot_row, weights)
