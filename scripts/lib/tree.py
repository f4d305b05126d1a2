"""The project's own text files, for the scripts that read them."""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(suffixes, under="."):
    """Returns the files below `under` whose name ends in one of `suffixes`, in order.

    Build folders and hidden folders are left out.
    """
    found = []
    for folder, folders, names in os.walk(ROOT / under):
        folders[:] = sorted(f for f in folders if not re.fullmatch(r"\..*|build(-.*)?|__pycache__", f))
        found += [pathlib.Path(folder, n) for n in sorted(names) if n.endswith(tuple(suffixes))]
    return found


def finish(problems, good):
    """Prints the problems and exits with 1, or prints `good` and exits with 0."""
    for problem in problems:
        print(problem)
    if not problems:
        print(good)
    sys.exit(1 if problems else 0)
