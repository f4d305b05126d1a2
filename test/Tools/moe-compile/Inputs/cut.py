"""Writes FOLDER/N.so for many N: the first N bytes of a library.

usage: cut.py LIB.so FOLDER
"""

import pathlib
import sys

whole = pathlib.Path(sys.argv[1]).read_bytes()
for size in sorted({0, 1, 4, 15, 16, 63, 64, 65, 200, len(whole) - 1, *range(300, len(whole), 1111)}):
    pathlib.Path(sys.argv[2], f"{size:06}.so").write_bytes(whole[:size])
