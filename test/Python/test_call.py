# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call takes and gives, and what it refuses."""

import array
import re

import numpy as np
import pytest

import moe

# Every data type that an argument may have, passed through: y = x for arrays, scalars by value.
PASS = """
func.func @copy_{0}(%x: tensor<?x3x{0}> {{moe.name = "x", moe.dims = ["N", ""]}})
    -> (tensor<?x3x{0}> {{moe.name = "y", moe.dims = ["N", ""]}}) {{
  return %x : tensor<?x3x{0}>
}}
"""
SCALARS = """
func.func @scalars(%t: f32 {moe.name = "t"}, %n: i64 {moe.name = "n"}, %b: i1 {moe.name = "b"})
    -> (f32 {moe.name = "t2"}, i64 {moe.name = "n2"}, i1 {moe.name = "b2"}) {
  return %t, %n, %b : f32, i64, i1
}
func.func @add(%a: tensor<?x4xf32> {moe.name = "a", moe.dims = ["N", ""]},
               %b: tensor<?x4xf32> {moe.name = "b", moe.dims = ["N", ""]})
    -> (tensor<?x4xf32> {moe.name = "sum", moe.dims = ["N", ""]}) {
  %sum = linalg.add ins(%a, %b : tensor<?x4xf32>, tensor<?x4xf32>)
                    outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %sum : tensor<?x4xf32>
}
func.func @pick(%x: tensor<4x2xf32> {moe.name = "x"}, %rows: tensor<?xi32> {moe.name = "rows", moe.dims = ["N"]})
    -> (tensor<?x2xf32> {moe.name = "y", moe.dims = ["N", ""]}) {
  %y = moe.dispatch %x[%rows by 1] : tensor<4x2xf32>, tensor<?xi32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
"""
TYPES = {"f64": "f8", "f32": "f4", "f16": "f2", "i64": "i8", "i32": "i4", "i8": "i1", "i1": "?"}


@pytest.fixture(scope="module")
def module():
    return moe.compile("".join(PASS.format(name) for name in [*TYPES, "bf16"]) + SCALARS, target="reference")


@pytest.mark.parametrize("name", TYPES)
def test_dtypes(module, name):
    x = np.array([[1, 0, 1], [0, 1, 1]], TYPES[name])
    y = module[f"copy_{name}"](x)
    assert y.dtype == x.dtype and (y == x).all() and y is not x
    assert module[f"copy_{name}"](x[:0]).shape == (0, 3)


def test_bf16(module):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([[1, 2, 3.5]], ml_dtypes.bfloat16)
    y = module.copy_bf16(x)
    assert y.dtype == x.dtype and (y == x).all()
    with pytest.raises(TypeError, match=re.escape("expected bf16[N, 3], got")):
        module.copy_bf16(x.astype(ml_dtypes.float8_e4m3fn))


def test_scalars(module):
    assert [v.item() for v in module.scalars(1.5, -7, True)] == [1.5, -7, True]
    assert [v.item() for v in module.scalars(np.float32(1.5), np.int64(2), np.bool_(False))] == [1.5, 2, False]
    assert [v.item() for v in module.scalars(t=2, b=False, n=3)] == [2, 3, False]
    with pytest.raises(ValueError, match="the number does not fit in i64"):
        module.scalars(1.5, 2**63, True)
    with pytest.raises(ValueError, match="the number does not fit in i1"):
        module.scalars(1.5, 0, 2)
    with pytest.raises(TypeError, match="expected an integer, got a float"):
        module.scalars(1.5, 0.5, True)
    with pytest.raises(TypeError, match=re.escape("argument 't': expected an array f32[], got str")):
        module.scalars("1.5", 1, True)


def test_layouts(module):
    """Whatever is not dense row-major is copied; the result does not depend on it."""
    a, b = np.arange(24, dtype="f4").reshape(6, 4), np.ones((6, 4), "f4")
    views = [np.asfortranarray(a), a[::-1][::-1], np.repeat(a, 2, axis=1)[:, ::2], np.concatenate([a, a], 1)[:, :4]]
    packed = np.zeros(6 * 16 + 1, "u1")[1:].view("f4").reshape(6, 4)
    packed[:] = a
    assert not packed.flags.aligned
    for view in [*views, packed]:
        assert (module.add(view, b) == a + 1).all()
        assert (module.add(b, view) == a + 1).all()
    assert (module.add(a[::-1], b) == a[::-1] + 1).all()
    assert (module.add(np.broadcast_to(a[:1], (6, 4)), b) == a[0] + 1).all()
    read_only = a.copy()
    read_only.flags.writeable = False
    assert (module.add(read_only, b) == a + 1).all()


def test_other_buffers(module):
    numbers = memoryview(array.array("f", range(8))).cast("B").cast("f", (2, 4))
    y = module.add(numbers, numbers)
    assert isinstance(y, np.ndarray) and (y == 2 * np.arange(8).reshape(2, 4)).all()
    rows = array.array("i", [3, -1, 0])
    assert module.pick(np.eye(4, 2, dtype="f4"), rows).shape == (3, 2)


class Capsule:
    """An array of a library that knows nothing but DLPack, and its namespace."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __array_namespace__(self):
        class Namespace:
            from_dlpack = staticmethod(lambda x: Capsule(np.from_dlpack(x)))

        return Namespace


class OnDevice(Capsule):
    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **options):
        raise BufferError("no data on this side")


def test_dlpack(module):
    a = np.arange(8, dtype="f4").reshape(2, 4)
    y = module.add(Capsule(a), Capsule(a[:, ::-1]))
    assert isinstance(y, Capsule) and (y.array == a + a[:, ::-1]).all()
    out = np.empty((2, 4), "f4")
    assert module.add(Capsule(a), a, out=out) is out and (out == 2 * a).all()
    with pytest.raises(ValueError, match="argument 'a': the array cannot be read through DLPack"):
        module.add(OnDevice(a), a)


def test_out(module):
    a = np.arange(8, dtype="f4").reshape(2, 4)
    out = np.full((2, 4), np.nan, "f4")
    assert module.add(a, a, out=out) is out and (out == 2 * a).all()
    assert module.add(a, a, out=(out,)) == (out,)

    def refused(match, error=ValueError, a=a, b=a, out=out):
        before = out.copy() if isinstance(out, np.ndarray) else None
        with pytest.raises(error, match=re.escape(match)) as caught:
            module.add(a, b, out=out)
        assert isinstance(caught.value, moe.Error)
        if before is not None:
            np.testing.assert_array_equal(out, before)

    read_only = out.copy()
    read_only.flags.writeable = False
    refused("add: result 'sum': the array is read-only", out=read_only)
    refused("add: result 'sum': the array is not dense row-major", out=np.empty((4, 2), "f4").T)
    refused("add: result 'sum': the array is not dense row-major", out=np.empty((2, 8), "f4")[:, ::2])
    refused("add: result 'sum': the array's memory is not aligned", out=np.zeros(33, "u1")[1:].view("f4").reshape(2, 4))
    refused("add: result 'sum': the array's byte order is not this machine's", out=np.empty((2, 4), ">f4"))
    refused("add: result 'sum': expected f32[N, 4], got f64[2, 4]", TypeError, out=np.empty((2, 4), "f8"))
    refused("add: result 'sum': expected f32[N, 4], got f32[8]", out=np.empty(8, "f4"))
    refused("dimension 'N' is 2 in argument 'a' (f32[2, 4]), but 3 in result 'sum'", out=np.empty((3, 4), "f4"))
    refused("result 'sum' overlaps argument 'a' in memory", out=a)
    whole = np.zeros((3, 4), "f4")
    refused("result 'sum' overlaps argument 'b' in memory", b=whole[:2], out=whole[1:])
    refused("add: out: expected 1 array, got 2", TypeError, out=(out, out))
    refused("add: result 'sum': expected an array f32[N, 4], got list", TypeError, out=[[0.0]])
    refused("add: result 'sum': expected an array f32[N, 4], got float", TypeError, out=1.0)


def test_bad_inputs(module):
    a = np.zeros((2, 4), "f4")

    def refused(match, error, *inputs, function="add", **named):
        with pytest.raises(error, match=re.escape(match)) as caught:
            module[function](*inputs, **named)
        assert isinstance(caught.value, moe.Error)

    refused("add: argument 'b': expected f32[N, 4], got f64[2, 4]", TypeError, a, a.astype("f8"))
    refused("add: argument 'b': expected f32[N, 4], got i32[2, 4]", TypeError, a, a.astype("i4"))
    refused("add: argument 'b': expected f32[N, 4], got an array of format 'Zf'", TypeError, a, a.astype("c8"))
    refused("add: argument 'b': expected f32[N, 4], got an array of format 'I'", TypeError, a, a.astype("u4"))
    refused("add: argument 'b': expected an array f32[N, 4], got MaskedArray", TypeError, a, np.ma.array(a))
    refused("add: argument 'b': expected an array f32[N, 4], got NoneType", TypeError, a, None)
    refused("add: argument 'b': expected f32[N, 4], got f32[4]", ValueError, a, a[0])
    refused("add: argument 'b': expected f32[N, 4], got f32[2, 3]", ValueError, a, a[:, :3])
    refused("add: argument 'b': expected f32[N, 4], got an array of 9 dimensions", ValueError, a, np.zeros((1,) * 9, "f4"))
    refused("dimension 'N' is 2 in argument 'a' (f32[2, 4]), but 1 in argument 'b'", ValueError, a, a[:1])
    refused("add: argument 'a': the array's byte order", ValueError, a.astype(">f4"), a)
    refused("add: expected 2 inputs, got 1", TypeError, a)
    refused("add: there is no free input 'c'; the inputs are a, b", TypeError, a, c=a)
    refused("add: there is no free input 'a'; the inputs are a, b", TypeError, a, a=a)
    refused("add: input 'b' is missing", TypeError, a=a)
    refused("context: expected a moe.Context", TypeError, a, a, context="all")


def test_run_error(module):
    """An index out of range: memory stays safe, and the call says so."""
    x = np.eye(4, 2, dtype="f4")
    with pytest.raises(moe.RunError, match="row_slot") as caught:
        module.pick(x, np.array([0, 4], "i4"))
    assert caught.value.status == "index out of range" and isinstance(caught.value, RuntimeError)
    assert (module.pick(x, np.array([0, 3], "i4")) == x[[0, 3]]).all()


def test_raw(small):
    function, _, bound, x, y = small
    out = np.zeros_like(y)
    bound.raw([x.ctypes.data, out.ctypes.data], [len(x)])
    assert (out == y).all()
    assert function.signature.dims == ("T",)
    with pytest.raises(TypeError, match="main: expected 2 pointers, got 1"):
        bound.raw([x.ctypes.data], [5])
    with pytest.raises(TypeError, match="main: expected 1 size, got 2"):
        bound.raw([x.ctypes.data, out.ctypes.data], [5, 5])
    with pytest.raises(ValueError, match="argument 'x': its data is null"):
        bound.raw([0, out.ctypes.data], [5])
    with pytest.raises(ValueError, match="is not aligned"):
        bound.raw([x.ctypes.data + 1, out.ctypes.data], [1])
    with pytest.raises(TypeError, match="pointers: expected addresses"):
        bound.raw(["x", "y"], [5])
    with pytest.raises(ValueError, match="expected f32"):
        bound.raw([x.ctypes.data, out.ctypes.data], [-1])


def test_bind(small):
    function, weights, _, x, y = small
    assert (function.bind([weights[a.name] for a in function.signature.weights])(x) == y).all()
    assert (function.bind(**weights)(x) == y).all()
    gate = weights["gate"]
    assert (function.bind({**weights, "gate": np.asfortranarray(gate)})(x) == y).all()
    assert (function.bind({**weights, "other": gate}, strict=False)(x) == y).all()
    # Packed: what happens to the originals does not matter.
    mine = {name: w.copy() for name, w in weights.items()}
    bound = function.bind(mine)
    for w in mine.values():
        w[:] = 0
    assert (bound(x) == y).all()

    def refused(match, error, *arguments, **options):
        with pytest.raises(error, match=re.escape(match)) as caught:
            function.bind(*arguments, **options)
        assert isinstance(caught.value, moe.Error)

    refused("main: weights missing: gate, down", TypeError, {k: weights[k] for k in ("router", "up")})
    refused("main: weights not known: other", TypeError, {**weights, "other": gate})
    refused("main: expected 4 weights, got 1", TypeError, [gate])
    refused("main: weights in order and by name are not mixed", TypeError, [gate], up=gate)
    refused("argument 'gate': expected f32[4, 16, 24], got f64[4, 16, 24]", TypeError, {**weights, "gate": gate.astype("f8")})
    refused("argument 'gate': expected f32[4, 16, 24], got f32[4, 24, 16]", ValueError, {**weights, "gate": gate.swapaxes(1, 2)})
    with pytest.raises(TypeError, match="main: has weights"):
        function(x)


def test_packed(small, tmp_path):
    function, _, bound, x, y = small
    packed = bound.packed()
    assert function.packed_bytes <= len(packed)
    assert (function.bind_packed(packed)(x) == y).all()
    path = tmp_path / "weights"
    path.write_bytes(packed)
    assert (function.bind_packed(np.memmap(path, mode="r"))(x) == y).all()

    def refused(blob, function=function):
        with pytest.raises(moe.RunError) as caught:
            function.bind_packed(blob)(x)
        assert caught.value.status == "wrong packed weights"

    refused(packed[:-1])
    refused(b"")
    refused(bytes([packed[0] ^ 1]) + packed[1:])
    refused(packed, moe.compile(moe.layers.mixtral(hidden=16, ffn=25, experts=4, top_k=2)).main)
    with pytest.raises(TypeError, match="expected bytes"):
        function.bind_packed(3)


def test_workspace(small):
    function = small[0]
    assert function.workspace_bytes(T=100) > function.workspace_bytes(T=1) >= 0
    with pytest.raises(TypeError, match="expected the sizes of T, got N"):
        function.workspace_bytes(N=1)
    with pytest.raises(ValueError):
        function.workspace_bytes(T=-1)
    with pytest.raises(moe.RunError):
        function.workspace_bytes(T=2**62)


def test_sizes(small):
    """Any number of tokens, none too."""
    _, _, bound, x, y = small
    assert bound(x[:0]).shape == (0, 16)
    assert (bound(x[:1]) == y[:1]).all()
    assert (bound(np.tile(x, (40, 1)))[-5:] == y).all()
