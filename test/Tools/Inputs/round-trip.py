"""Prints, parses and compares every MLIR module of the repository.

usage: round-trip.py MOE_OPT FOLDER

Takes the .mlir files of test/ and examples/ apart at '// -----' and '//--- NAME.mlir',
leaves out what expects an error, and puts the rest into one file in FOLDER. With that
file: --verify-roundtrip, which compares a module with what comes out of its pretty
form and of its bytecode; and the generic form must come out as the pretty form does.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
SPLIT = re.compile(r"^// -----.*$|^//--- .*$", re.M)
MARK = "// module of "


def modules():
    """Yields (file, text) of each well-formed module."""
    for folder in ("test", "examples"):
        for path in sorted((ROOT / folder).rglob("*.mlir")):
            for part in SPLIT.split(path.read_text()):
                if "expected-error" not in part and re.search(r"^ *[^/\s]", part, re.M):
                    yield path.relative_to(ROOT), part


def run(source, *command):
    """Returns what a command prints; if it fails stops with the module and why."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout
    line = re.search(r":(\d+):\d+: error", done.stderr)
    before = source.read_text().split("\n")[: int(line.group(1)) if line else 0]
    place = next((text for text in reversed(before) if text.startswith(MARK)), "")
    sys.exit(f"$ {' '.join(map(str, command))}\n{place}\n{done.stderr}")


def main():
    moe_opt, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    found = list(modules())
    source, generic = folder / "all.mlir", folder / "generic.mlir"
    source.write_text("\n// -----\n".join(f"{MARK}{path}\n{text}" for path, text in found))
    pretty = run(source, moe_opt, source, "--split-input-file", "--verify-roundtrip")
    generic.write_text(run(source, moe_opt, source, "--split-input-file", "--mlir-print-op-generic"))
    again = run(generic, moe_opt, generic, "--split-input-file")
    if again != pretty:
        lines = zip(pretty.split("\n"), again.split("\n"))
        different = next((pair for pair in lines if pair[0] != pair[1]), ("", ""))
        sys.exit(f"by way of the generic form:\n- {different[0]}\n+ {different[1]}")
    print(len(found), "modules of", len({path for path, _ in found}), "files round trip")


main()
