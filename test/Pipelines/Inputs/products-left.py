"""Lowers each example and golden case to stage `kernels` of pipeline cpu; prints the
products of linalg that are left in them."""

import pathlib
import re
import subprocess
import sys

tool, source = sys.argv[1], pathlib.Path(sys.argv[2])
product = re.compile(r"linalg\.(matmul|batch_matmul|matvec|vecmat|contract)\b.*")
with_gemms = 0
for path in [*sorted(source.glob("examples/*.mlir")), *sorted(source.glob("test/golden/*/case*.mlir"))]:
    command = [tool, path, "--moe-pipeline=cpu", "--compile-to=kernels"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in product.finditer(text):
        print(f"{path.relative_to(source)}: {line[0]}")
    with_gemms += "moek.gemm" in text
print("programs with gemms:", with_gemms)
