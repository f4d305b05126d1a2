"""Prints a test in which every line `// EXAMPLE op` is replaced by the example in
the documentation of that op.

usage: fill-examples.py TEST.mlir OPS.td...

Each op of the .td files must have one example and one such line; exit status 1
otherwise.
"""

import pathlib
import re
import sys

OP = re.compile(r'^def \w+ : MoE_Op<"(\w+)"', re.M)
BLOCK = re.compile(r"```mlir\n(.*?)```", re.S)
LINE = re.compile(r"^ *// EXAMPLE (\w+)$", re.M)


def examples(td):
    """Returns {op: list of its examples} of a TableGen file."""
    text = pathlib.Path(td).read_text()
    ops = list(OP.finditer(text))
    ends = [op.start() for op in ops[1:]] + [len(text)]
    return {op.group(1): BLOCK.findall(text, op.end(), end) for op, end in zip(ops, ends)}


test = pathlib.Path(sys.argv[1]).read_text()
used = LINE.findall(test)
found = {}
for td in sys.argv[2:]:
    found |= examples(td)

problems = [f"{op}: no such op in the .td files" for op in used if op not in found]
for op, blocks in found.items():
    if len(blocks) != 1:
        problems.append(f"{op}: {len(blocks)} examples in its documentation, expected 1")
    if used.count(op) != 1:
        problems.append(f"{op}: {used.count(op)} lines '// EXAMPLE {op}', expected 1")
if problems:
    sys.exit("\n".join(problems))
print(LINE.sub(lambda line: found[line.group(1)][0].rstrip(), test))
