"""Runs the commands of a page, in the order in which they stand there.

usage: commands.py PAGE.md [VARIABLE=VALUE...]

The blocks marked `sh` run in the current folder, each by a shell of its own that stops
at the first error; where they say VARIABLE as a word (DIR, say), it is the value. Exit
status 1, and the block, if one fails.
"""

import pathlib
import re
import subprocess
import sys

page = pathlib.Path(sys.argv[1])
values = dict(argument.split("=", 1) for argument in sys.argv[2:])
blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.M | re.S)
for block in blocks:
    for name, value in values.items():
        block = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lambda _: value, block)
    result = subprocess.run(["bash", "-ec", block], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(f"{page.name}: failed:\n{block}{result.stdout}")
print(f"{len(blocks)} blocks ran")
sys.exit(not blocks)
