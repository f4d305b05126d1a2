# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sources, errors in them, options, the cache, what the compiler emits."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import moe

COPY = """func.func @copy(%x: tensor<?xf32> {moe.name = "x", moe.dims = ["N"]})
    -> (tensor<?xf32> {moe.name = "y", moe.dims = ["N"]}) {
  return %x : tensor<?xf32>
}
"""


def test_sources(tmp_path):
    path = tmp_path / "layer with spaces.mlir"
    path.write_text(COPY)
    one = COPY.replace("\n", " ")
    for source in (COPY, one, COPY.encode(), bytearray(COPY.encode()), path, str(path)):
        module = moe.compile(source, target="reference")
        assert list(module) == ["copy"] and len(module) == 1
    assert str(module.copy.signature) == "copy(x: f32[N]) -> (y: f32[N])"
    assert module.copy is module["copy"] and "copy" in dir(module)
    x = np.arange(3, dtype="f4")
    assert (module(x) == x).all() and (module.bind()(x) == x).all()
    assert module.times.total > 0 and not module.times.from_cache
    with pytest.raises(AttributeError, match="no function 'main'; there is copy"):
        module.main
    with pytest.raises(KeyError, match="no function 'main'; there is copy"):
        module["main"]
    with pytest.raises(TypeError, match="expected text, bytes or a path, got int"):
        moe.compile(3)
    two = moe.compile(COPY + COPY.replace("@copy", "@other"), target="reference")
    with pytest.raises(ValueError, match="the module has 2 functions: name one of copy, other"):
        two(x)


def test_errors_have_a_place(tmp_path):
    with pytest.raises(moe.CompileError, match=r"<memory>:2:3: .*unknown") as caught:
        moe.compile("func.func @f() {\n  moe.wrong\n}")
    error = caught.value
    assert (error.file, error.line, error.column) == ("<memory>", 2, 3)
    assert error.diagnostics[0].severity == "error" and "unknown" in error.diagnostics[0].message

    path = tmp_path / "bad.mlir"
    path.write_text(COPY.replace("return %x", "return %y"))
    with pytest.raises(moe.CompileError, match=re.escape(f"{path}:3:10: ")) as caught:
        moe.compile(path)
    assert caught.value.line == 3

    # A verifier's error, with a note.
    redefined = COPY + COPY
    with pytest.raises(moe.CompileError, match="redefinition") as caught:
        moe.compile(redefined, name="mine")
    notes = caught.value.diagnostics[0].notes
    assert caught.value.file == "mine" and caught.value.line == 5 and notes[0].line == 1
    assert str(notes[0]) in str(caught.value)


@pytest.mark.parametrize("source", [b"", b"\0", b"\xff\xfe{\n", b"ML\xefR\r\xff\xff", "{" * 5000, "func.func @f("])
def test_garbage(source):
    """An error, or a module without functions; never a crash."""
    try:
        assert len(moe.compile(source, target="reference")) == 0
    except moe.CompileError as error:
        assert str(error)


def test_bad_options(tmp_path):
    with pytest.raises(moe.CompileError, match="no-such-file.mlir"):
        moe.compile(tmp_path / "no-such-file.mlir")
    with pytest.raises(moe.CompileError):
        moe.compile(tmp_path)
    for options, match in [({"target": "tpu"}, "tpu"), ({"cpu": "i386sx"}, "i386sx"), ({"stage": "attic"}, "attic")]:
        with pytest.raises(ValueError, match=match):
            moe.compile(COPY, **options)
    with pytest.raises(TypeError, match="target: expected a str"):
        moe.compile(COPY, target=None)
    with pytest.raises(ValueError, match="threads: expected 0 to 1024, got -1"):
        moe.compile(COPY, threads=-1)
    with pytest.raises(TypeError, match="threads: expected an int"):
        moe.set_num_threads("all")


def test_emit(tmp_path):
    path = tmp_path / "copy.mlir"
    path.write_text(COPY)
    assert "func.func" in moe.emit(path, "input")
    assert "memref" in moe.emit(COPY, "buffers", target="reference")
    assert "moert_entry_copy" in moe.emit(COPY, "llvm-ir")
    assert "moert_entry_copy" in moe.emit(COPY, "assembly")
    assert moe.emit(COPY, "object", cpu="x86-64-v3")[:4] == b"\x7fELF"
    with pytest.raises(ValueError, match="no-such"):
        moe.emit(COPY, "no-such")


def test_cache(tmp_path):
    folder = tmp_path / "cache"
    text = COPY.replace("@copy", f"@copy_{os.getpid()}")
    x = np.arange(3, dtype="f4")
    before = moe.statistics()
    assert not moe.compile(text, target="reference", cache=folder).times.from_cache
    module = moe.compile(text, target="reference", cache=str(folder))
    assert module.times.from_cache and (module(x) == x).all()
    after = moe.statistics()
    assert after["compilations"] - before["compilations"] == 1 and after["cache_hits"] - before["cache_hits"] == 1
    # Truncated, then forged: compiled anew, never trusted.
    files = [p for p in folder.rglob("*") if p.is_file() and p.stat().st_size > 1000]
    assert files
    for damage in (lambda data: data[: len(data) // 2], lambda data: data[:-1] + bytes([data[-1] ^ 1])):
        for file in files:
            file.write_bytes(damage(file.read_bytes()))
        module = moe.compile(text, target="reference", cache=folder)
        assert not module.times.from_cache and (module(x) == x).all()
    assert moe.statistics()["cache_rejected"] - before["cache_rejected"] == 2


def test_missing_library(root, tmp_path):
    """What a user without LLVM's packages reads."""
    package = tmp_path / "moe"
    package.mkdir()
    (package / "__init__.py").write_text((root / "python/moe/__init__.py").read_text())
    (package / "_moe.py").write_text("raise ImportError('libMLIR.so.22.1: cannot open shared object file')")
    done = subprocess.run([sys.executable, "-c", "import moe"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "apt-get install libllvm22 libmlir-22" in done.stderr.splitlines()[-1]


def test_every_name_is_there():
    for name in moe.__all__:
        assert getattr(moe, name).__doc__ if name != "Times" else True
    assert re.fullmatch(r"\d+\.\d+\.\d+", moe.__version__) and "LLVM 22.1" in moe.version()
    assert (pathlib.Path(moe.__file__).parent / "py.typed").exists()
