"""Runs published MoE layers through moe-run and prints how far they are from the
numbers of the models' own code.

usage: demo.py MOE_RUN

Each case is a folder of test/golden: `case.mlir` is the layer, `inputs.safetensors`
and `expected.safetensors` come from the source named in `case.json`. The last one is a
module of examples/, compared with its plainest compilation. Exit status 1 if a layer
does not agree.
"""

import json
import pathlib
import shlex
import sys

import layers
import tree

LAYERS = {
    "mixtral": "Mixtral",
    "qwen3_moe_norm": "Qwen3-MoE",
    "olmoe": "OLMoE",
    "deepseek_v3": "DeepSeek-V3",
    "gpt_oss": "gpt-oss",
    "switch_top1_capacity": "Switch",
    "dag_layer": "DAG-MoE",
    "loop_m3_k3": "LoopMoE",
    "dot_masked_ffn": "DOT-MoE",
    "examples/composed.mlir": "all three",
}
CALLS = 100

# Title, width, alignment.
COLUMNS = (
    ("layer", 12, "<"),
    ("source of the numbers", 49, "<"),
    ("rows", 5, ">"),
    ("max error", 9, ">"),
    ("status", 8, "<"),
    ("compile", 9, ">"),
    ("call", 9, ">"),
)


def row(cells):
    """Returns one line of the table."""
    return "  ".join(f"{str(cell):{align}{width}}" for cell, (_, width, align) in zip(cells, COLUMNS)).rstrip()


def source(case):
    """Returns whose code computed a case's numbers: library, version, class."""
    if case.endswith(".mlir"):
        return "target reference, on random weights"
    text = json.loads((tree.ROOT / "test/golden" / case / "case.json").read_text())["source"]
    library, _, where = text.partition(": ")
    if not where:
        return "the formulas in NumPy f64, and again in PyTorch"
    _, comma, names = where.partition(", ")
    return f"{library}, {names.split()[0] if comma else where.split()[-1]}"


def milliseconds(report, key):
    """Returns a duration of the report as text."""
    if key not in report:
        return "-"
    return f"{report[key]:.{2 if report[key] < 10 else 0}f} ms"


def main():
    moe_run = sys.argv[1]
    print(row(title for title, _, _ in COLUMNS))
    print(row("-" * width for _, width, _ in COLUMNS))
    wrong, report = {}, {}
    for case, name in LAYERS.items():
        report, problem = layers.run([*layers.command(moe_run, case), f"--bench={CALLS}"])
        check = report.get("check", {})
        if problem:
            wrong[name] = problem
        off = check.get("bad_rows", 0)
        status = "FAILED" if problem else f"{off} off" if off else "agrees"
        cells = (name, source(case), check.get("rows", "-"))
        cells += (f"{check['max_rel']:.1e}" if "max_rel" in check else "-", status)
        cells += (milliseconds(report, "compile_ms"), milliseconds(report, "median_ms"))
        print(row(cells), flush=True)

    for name, problem in wrong.items():
        print(f"\n{name}: {problem.strip()}")
    print(f"\n{len(LAYERS) - len(wrong)} of {len(LAYERS)} layers agree. An error is relative to its row's root mean square.")
    print(f"A call is the median of {CALLS}: target {report.get('target', '?')}, {report.get('threads', '?')} threads.")
    print("One of them by hand:\n  " + shlex.join(layers.command(moe_run, next(iter(LAYERS)))))
    sys.exit(1 if wrong else 0)


main()
