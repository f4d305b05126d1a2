"""Reads what llvm-objdump -d prints. For the innermost loop with the most sums in
registers, the one that a layer spends its time in: how many multiply-adds of which, on which
registers, and how often the loop has a vector on the stack; and how often the others have."""

import collections
import re
import sys

line = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)")
arithmetic = re.compile(r"vfn?m(add|sub)\d+[ps]s|vdpbf16ps")


def loops(code):
    """The instructions of each innermost loop of a function: from the target of a jump
    back to that jump, without another loop between."""
    places = {address: i for i, (address, _, _) in enumerate(code)}
    last = -1
    for i, (address, name, operands) in enumerate(code):
        target = re.match(r"0x([0-9a-f]+)", operands) if name.startswith("j") else None
        start = places.get(int(target[1], 16)) if target else None
        if start is not None and start <= i:
            if start > last:
                yield code[start : i + 1]
            last = max(last, start)


functions = [[]]
for text in sys.stdin:
    if match := line.match(text):
        functions[-1].append((int(match[1], 16), match[2], match[3]))
    elif text.endswith(">:\n"):
        functions.append([])


def products(loop):
    return [(name, operands) for _, name, operands in loop if arithmetic.match(name)]


def sums(loop):
    return len({operands.split(", ")[-1] for _, operands in products(loop)})


def on_stack(loop):
    return sum("mm" in operands and bool(re.search(r"\(%r[sb]p\)", operands)) for _, _, operands in loop)


inner = [loop for code in functions for loop in loops(code) if products(loop)]
hottest = max(inner, key=lambda loop: (sums(loop), -len(products(loop))))
counts = collections.Counter(
    f"{re.match('vdpbf16ps|vfn?m(?:add|sub)', name)[0]} {re.search('[xyz]mm', operands)[0]}" for name, operands in products(hottest)
)
for what, count in sorted(counts.items()):
    print(f"{what}: {count}")
print("stack:", on_stack(hottest))
print("stack elsewhere:", sum(on_stack(loop) for loop in inner if loop is not hottest))
