"""Runs the sessions of a page and compares what is printed.

usage: console.py PAGE.md

In each block marked `console`, a line "$ COMMAND" runs in the current folder, and the
lines below it are what it prints, errors included; "..." stands for any text within a
line. Says how many commands there were; exit status 1 if one printed something else.
"""

import pathlib
import re
import subprocess
import sys

page = pathlib.Path(sys.argv[1])
count = failures = 0
for block in re.finditer(r"^```console\n(.*?)^```$", page.read_text(), re.M | re.S):
    for session in re.split(r"^\$ ", block[1], flags=re.M)[1:]:
        command, _, want = session.partition("\n")
        count += 1
        result = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        pattern = ".*".join(re.escape(part) for part in want.split("..."))
        if not re.fullmatch(pattern, result.stdout):
            failures += 1
            print(f"{page.name}: $ {command}\nwanted:\n{want}got:\n{result.stdout}")
print(f"{count} commands, {failures} printed something else")
sys.exit(1 if failures or not count else 0)
