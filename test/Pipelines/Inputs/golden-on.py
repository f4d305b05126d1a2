"""Runs the golden cases on pipeline cpu as their RUN lines say, with code for another CPU."""

import pathlib
import re
import shlex
import subprocess
import sys

cpu, tool, folder = sys.argv[1:]
count = 0
for path in sorted(pathlib.Path(folder).glob("*/*.mlir")):
    script = re.sub(r"\\\n// RUN:", "", path.read_text())
    for command in re.findall(r"^// RUN: moe-run (%s .*--target=cpu .*)$", script, re.MULTILINE):
        arguments = command.replace("%s", shlex.quote(str(path))).replace("%S", shlex.quote(str(path.parent)))
        count += 1
        if subprocess.run([tool, *shlex.split(arguments), f"--cpu={cpu}"], stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"{path}: failed with code for {cpu}")
if not count:
    sys.exit("no case runs on pipeline cpu")
print(count, "runs")
