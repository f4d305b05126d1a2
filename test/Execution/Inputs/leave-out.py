"""Runs FILE without every other optimisation, then without the others, and compares with
the reference each time."""

import re
import subprocess
import sys

tool, file = sys.argv[1:]
problem = subprocess.run([tool, file, "--without=?"], capture_output=True, text=True).stderr
names = re.search(r"there are: (.*)", problem)[1].split(", ")
arguments = [tool, file, "--target=cpu", "--random=1", "--dim=T=29", "--check", "--exact-rows", "--no-optimize"]
for left_out in (",".join(names[0::2]), ",".join(names[1::2])):
    run = subprocess.run([*arguments, f"--without={left_out}"], capture_output=True, text=True)
    if run.returncode:
        print(f"without {left_out}: {run.stderr}")
print(len(names), "optimisations")
