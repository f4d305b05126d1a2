"""Writes an entry that computes every op of math on floats, and what comes out.

usage: math-ops.py TYPE FILE.mlir FILE.safetensors      TYPE is f64, f32, f16 or bf16
"""

import math
import pathlib
import subprocess
import sys

X = 0.5
UNARY = {
    "absf": abs, "acos": math.acos, "asin": math.asin, "asinh": math.asinh, "atan": math.atan, "atanh": math.atanh,
    "cbrt": lambda x: x ** (1 / 3), "ceil": math.ceil, "cos": math.cos, "cosh": math.cosh, "erf": math.erf,
    "erfc": math.erfc, "exp": math.exp, "exp2": lambda x: 2**x, "expm1": math.expm1, "floor": math.floor,
    "log": math.log, "log10": math.log10, "log1p": math.log1p, "log2": math.log2, "round": lambda x: 1,
    "roundeven": round, "rsqrt": lambda x: x**-0.5, "sin": math.sin, "sinh": math.sinh, "sqrt": math.sqrt,
    "tan": math.tan, "tanh": math.tanh, "trunc": math.trunc,
}
OTHERS = {
    "math.atan2 %x, %x : TYPE": math.pi / 4, "math.copysign %x, %x : TYPE": X, "math.powf %x, %x : TYPE": X**X,
    "math.fma %x, %x, %x : TYPE": X * X + X, "math.clampf %x to [%x, %x] : TYPE": X,
    "math.fpowi %x, %three : TYPE, i32": X**3, "arith.remf %x, %x : TYPE": 0, "arith.maximumf %x, %x : TYPE": X,
    "arith.minnumf %x, %x : TYPE": X, "arith.uitofp %three : i32 to TYPE": 3,
}

TENSORS = pathlib.Path(__file__).resolve().parents[2] / "Execution/Inputs/tensors.py"


def main():
    kind, source, expected = sys.argv[1:]
    ops = {f"math.{name} %x : TYPE": function(X) for name, function in UNARY.items()} | OTHERS
    lines = [f"  %{i} = {op.replace('TYPE', kind)}" for i, op in enumerate(ops)]
    types = ", ".join([kind] * len(ops))
    results = ", ".join(f"%{i}" for i in range(len(ops)))
    pathlib.Path(source).write_text(
        f"func.func @main(%x: {kind}) -> ({types}) {{\n  %three = arith.constant 3 : i32\n"
        + "\n".join(lines)
        + f"\n  return {results} : {types}\n}}\n"
    )
    wanted = [f"result{i}:F64:scalar:{value!r}" for i, value in enumerate(ops.values())]
    given = [f"x:{kind.upper()}:scalar:{X}"]
    subprocess.run([sys.executable, TENSORS, expected, *given, *wanted], check=True)


main()
