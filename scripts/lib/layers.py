"""Runs modules through moe-run: the cases of test/golden and those of examples/."""

import json
import signal
import subprocess

import tree

SECONDS = 120


def cases():
    """Returns the names of all cases of test/golden."""
    return sorted(path.parent.name for path in (tree.ROOT / "test/golden").glob("*/case.json"))


def command(moe_run, case, form=""):
    """Returns the command that runs a case, with paths from the repository's root.

    `form` is "_bf16" for that of a case on bf16 data. A module of examples/ is compared
    with its plainest compilation.
    """
    if case.endswith(".mlir"):
        return [moe_run, case, "--dim=T=64", "--random=1", "--check"]
    folder = f"test/golden/{case}"
    index = f"{folder}/inputs.safetensors.index.json"
    inputs = index if (tree.ROOT / index).exists() else f"{folder}/inputs.safetensors"
    return [
        moe_run,
        f"{folder}/case{form}.mlir",
        f"--weights={inputs}",
        f"--expect={folder}/expected{form}.safetensors",
    ]


def run(arguments):
    """Returns (the tool's JSON report or {}, what went wrong or None)."""
    try:
        done = subprocess.run(
            [*arguments, "--json"],
            cwd=tree.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except OSError as error:
        return {}, str(error)
    except subprocess.TimeoutExpired:
        return {}, f"no result after {SECONDS} s"
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {}
    if done.returncode < 0:
        return report, f"ended by {signal.Signals(-done.returncode).name}\n{done.stderr}"
    if done.returncode > 0:
        return report, done.stderr or f"exit status {done.returncode}"
    if "check" not in report:
        return {}, "printed no check:\n" + done.stdout
    return report, None
