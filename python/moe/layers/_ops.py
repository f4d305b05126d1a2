# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small computations around the ops of the dialect, each a helper function of the text."""

from __future__ import annotations

from ._ir import Function, Value, tensor


def _empty(of: Value, result: Value, tokens_of: str) -> tuple[list[str], str]:
    """Returns lines, and the text that makes an empty tensor like `result`.

    A dynamic first dimension is that of the value called `tokens_of`, of type `of`.
    """
    if isinstance(result.shape[0], int):
        return [], f"tensor.empty() : {result.type}"
    lines = ["%c0 = arith.constant 0 : index", f"%tokens = tensor.dim %{tokens_of}, %c0 : {of.type}"]
    return lines, f"tensor.empty(%tokens) : {result.type}"


def function(arguments: list[str], result: str, lines: list[str], value: str) -> str:
    """Returns the text of a private function @NAME."""
    head = f"func.func private @NAME({', '.join(arguments)}) -> {result} {{"
    if len(head) > 100:
        head = f"func.func private @NAME({', '.join(arguments)})\n    -> {result} {{"
    return "\n".join([head, *(f"  {line}" for line in lines), f"  return {value} : {result}", "}"])


def _elementwise(f: Function, name: str, comment: str, operands: list[Value], maps: list[str], result: Value,
                 body: list[str], out: str, names: list[str]) -> Value:
    """Calls a helper that is one linalg.generic; `names` are those of its block arguments."""
    lines, empty = _empty(operands[0], result, names[0])
    block = ", ".join(f"%{n}0: {v.dtype}" for n, v in zip(names, operands))
    lines += [
        f"%empty = {empty}",
        "%result = linalg.generic {",
        f"    indexing_maps = [{', '.join(f'affine_map<(t, d) -> {m}>' for m in maps)}],",
        '    iterator_types = ["parallel", "parallel"]}',
        f"    ins({', '.join('%' + n for n in names)} : {', '.join(v.type for v in operands)})",
        f"    outs(%empty : {result.type}) {{",
        f"^bb0({block}, %out: {result.dtype}):",
        *(f"  {line}" for line in body),
        f"  linalg.yield {out} : {result.dtype}",
        f"}} -> {result.type}",
    ]
    arguments = [f"%{n}: {v.type}" for n, v in zip(names, operands)]
    return f.call(result, f.module.helper(name, comment, function(arguments, result.type, lines, "%result")), *operands)


def linear(f: Function, name: str, x: Value, w: Value, transposed: bool = False, dtype: str = "f32",
           helper: str = "linear") -> Value:
    """x @ w, or x @ w^T for a weight [out,in], summed and stored in `dtype`."""
    width = w.shape[0] if transposed else w.shape[1]
    result = Value(name, (x.shape[0], width), dtype)
    lines, empty = _empty(x, result, "x")
    maps = []
    if transposed:
        maps = [
            "    indexing_maps = [affine_map<(t, o, i) -> (t, i)>, affine_map<(t, o, i) -> (o, i)>,",
            "                     affine_map<(t, o, i) -> (t, o)>]",
        ]
    lines += [
        f"%zero = arith.constant 0.0 : {dtype}",
        f"%empty = {empty}",
        f"%zeros = linalg.fill ins(%zero : {dtype}) outs(%empty : {result.type}) -> {result.type}",
        "%product = linalg.matmul" + ("" if maps else f" ins(%x, %w : {x.type}, {w.type})"),
        *maps,
        *([f"    ins(%x, %w : {x.type}, {w.type})"] if maps else []),
        f"    outs(%zeros : {result.type}) -> {result.type}",
    ]
    text = function([f"%x: {x.type}", f"%w: {w.type}"], result.type, lines, "%product")
    return f.call(result, f.module.helper(helper, "x @ w^T" if transposed else "x @ w", text), x, w)


def add_bias(f: Function, name: str, x: Value, bias: Value) -> Value:
    """x[t,:] + bias, in the element type of x."""
    body = [f"%0 = arith.addf %x0, %bias0 : {x.dtype}"]
    if bias.dtype != x.dtype:
        body = [f"%wide = arith.extf %bias0 : {bias.dtype} to {x.dtype}", f"%0 = arith.addf %x0, %wide : {x.dtype}"]
    return _elementwise(f, "add_bias", "x[t,:] + bias", [x, bias], ["(t, d)", "(d)", "(t, d)"],
                        Value(name, x.shape, x.dtype), body, "%0", ["x", "bias"])


def add(f: Function, name: str, a: Value, b: Value) -> Value:
    """a + b"""
    result = Value(name, a.shape, a.dtype)
    lines, empty = _empty(a, result, "a")
    lines += [
        f"%empty = {empty}",
        f"%sum = linalg.add ins(%a, %b : {a.type}, {b.type})",
        f"    outs(%empty : {a.type}) -> {a.type}",
    ]
    text = function([f"%a: {a.type}", f"%b: {b.type}"], a.type, lines, "%sum")
    return f.call(result, f.module.helper("add", "a + b", text), a, b)


def add_gated(f: Function, name: str, h: Value, alpha: Value, y: Value) -> Value:
    """h + alpha * y, in place of h."""
    maps = ", ".join(["affine_map<(t, d) -> (t, d)>"] * 3)
    lines = [
        "%sum = linalg.generic {",
        f"    indexing_maps = [{maps}],",
        '    iterator_types = ["parallel", "parallel"]}',
        f"    ins(%alpha, %y : {alpha.type}, {y.type}) outs(%h : {h.type}) {{",
        f"^bb0(%a: {alpha.dtype}, %b: {y.dtype}, %old: {h.dtype}):",
        f"  %0 = arith.mulf %a, %b : {h.dtype}",
        f"  %1 = arith.addf %old, %0 : {h.dtype}",
        f"  linalg.yield %1 : {h.dtype}",
        f"}} -> {h.type}",
    ]
    text = function([f"%h: {h.type}", f"%alpha: {alpha.type}", f"%y: {y.type}"], h.type, lines, "%sum")
    return f.call(Value(name, h.shape, h.dtype), f.module.helper("add_gated", "h + alpha * y", text), h, alpha, y)


def sigmoid_scale(f: Function, name: str, y: Value, score: Value) -> Value:
    """sigmoid(score[t]) * y[t,:], for scores [T,1]; computed in the element type of the scores."""
    c = score.dtype
    body = [
        f"%one = arith.constant 1.0 : {c}",
        f"%minus = arith.negf %score0 : {c}",
        f"%power = math.exp %minus : {c}",
        f"%divisor = arith.addf %one, %power : {c}",
        f"%gate = arith.divf %one, %divisor : {c}",
    ]
    if y.dtype != c:
        body += [f"%wide = arith.extf %y0 : {y.dtype} to {c}", f"%product = arith.mulf %gate, %wide : {c}",
                 f"%0 = arith.truncf %product : {c} to {y.dtype}"]
    else:
        body += [f"%0 = arith.mulf %gate, %y0 : {c}"]
    return _elementwise(f, "sigmoid_scale", "sigmoid(score[t]) * y[t,:]", [y, score], ["(t, d)", "(t, 0)", "(t, d)"],
                        Value(name, y.shape, y.dtype), body, "%0", ["y", "score"])


def mlp(f: Function, name: str, code: Value, w1: Value, b1: Value, w2: Value, b2: Value) -> Value:
    """silu(code @ w1 + b1) @ w2 + b2, for one vector."""
    lines = [
        f"%one = arith.constant 1.0 : {b1.dtype}",
        f"%a = linalg.vecmat ins(%code, %w1 : {code.type}, {w1.type})",
        f"    outs(%b1 : {b1.type}) -> {b1.type}",
        f"%hidden = linalg.map ins(%a : {b1.type}) outs(%b1 : {b1.type})",
        f"  (%x: {b1.dtype}, %old: {b1.dtype}) {{",
        f"    %minus_x = arith.negf %x : {b1.dtype}",
        f"    %power = math.exp %minus_x : {b1.dtype}",
        f"    %divisor = arith.addf %one, %power : {b1.dtype}",
        f"    %silu = arith.divf %x, %divisor : {b1.dtype}",
        f"    linalg.yield %silu : {b1.dtype}",
        "  }",
        f"%v = linalg.vecmat ins(%hidden, %w2 : {b1.type}, {w2.type})",
        f"    outs(%b2 : {b2.type}) -> {b2.type}",
    ]
    arguments = [f"%{n}: {v.type}" for n, v in zip(["code", "w1", "b1", "w2", "b2"], [code, w1, b1, w2, b2])]
    text = function(arguments, b2.type, lines, "%v")
    comment = "What tells iteration k from the others: silu(code @ w1 + b1) @ w2 + b2"
    return f.call(Value(name, b2.shape, b2.dtype), f.module.helper("mlp", comment, text), code, w1, b1, w2, b2)


def transpose(f: Function, name: str, w: Value, permutation: tuple[int, ...]) -> Value:
    """The dimensions of a weight in another order."""
    shape = tuple(w.shape[i] for i in permutation)
    f.line(f"%{name}_empty = tensor.empty() : {tensor(shape, w.dtype)}")
    f.line(f"%{name} = linalg.transpose ins({w.typed})",
           f"outs(%{name}_empty : {tensor(shape, w.dtype)}) permutation = [{', '.join(map(str, permutation))}]")
    return Value(name, shape, w.dtype)


def slice_axis(f: Function, name: str, w: Value, axis: int, offset: int, size: int, stride: int = 1) -> Value:
    """`size` elements along `axis`, from `offset`, every `stride`-th."""
    shape = tuple(size if i == axis else n for i, n in enumerate(w.shape))
    offsets = ", ".join(str(offset if i == axis else 0) for i in range(len(shape)))
    strides = ", ".join(str(stride if i == axis else 1) for i in range(len(shape)))
    f.line(f"%{name} = tensor.extract_slice {w}[{offsets}] [{', '.join(map(str, shape))}] [{strides}]",
           f": {w.type} to {tensor(shape, w.dtype)}")
    return Value(name, shape, w.dtype)
