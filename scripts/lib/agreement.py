"""Prints how far every case of test/golden is from the numbers of its source.

usage: agreement.py BUILD_FOLDER [CASE]...

A line a case: the largest error of its results in the C++ reference (f64) and in each
pipeline (f32, or bf16 where the name says so), relative to the root mean square of the
result's row. Results that are integers are equal, or it says how many rows are not.
The logits of the layers, which exist from an f32 run only, do not count in the first
column. Exit status 1 if a case does not agree.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys

import layers
import tree

PIPELINES = ("reference", "cpu")


def reference_errors(build):
    """Returns {case: largest error} of the C++ reference; stops if its test fails."""
    done = subprocess.run(
        [f"{build}/test/unit/ReferenceTests", "--gtest_filter=Reference/GoldenTest.*:GoldenData.*"],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    errors = dict.fromkeys(layers.cases(), 0.0)
    for case, result, error in re.findall(r"^(\w+) +(\w+) +([\d.e+-]+)$", done.stdout, re.M):
        if not is_narrow(case, result):
            errors[case] = max(errors[case], float(error))
    return errors


def is_narrow(case, result):
    """Returns whether a result's numbers come from an f32 run of the source."""
    text = (tree.ROOT / "test/golden" / case / "case.json").read_text()
    return any(r["name"] == result and r.get("run") == "f32" for r in json.loads(text)["results"])


def cell(report, problem):
    """Returns what the table says of a run."""
    check = report.get("check")
    if not check:
        return "FAILED"
    off = f", {check['bad_rows']} rows off" if check["bad_rows"] else ""
    return f"{check['max_rel']:.1e}{off}" + (" FAILED" if problem else "")


def main():
    build, chosen = sys.argv[1], sys.argv[2:] or layers.cases()
    rows = [(case, form) for case in chosen for form in ("", "_bf16")]
    rows = [(c, f) for c, f in rows if (tree.ROOT / f"test/golden/{c}/case{f}.mlir").exists()]
    expected = reference_errors(build)
    line = "{:38}  {:>9}" + "  {:>19}" * len(PIPELINES)
    print(line.format("case", "Reference", *(f"pipeline {name}" for name in PIPELINES)))
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            (row, name): pool.submit(
                layers.run, [*layers.command(f"{build}/bin/moe-run", *row), f"--target={name}"]
            )
            for row in rows
            for name in PIPELINES
        }
        for case, form in rows:
            cells = []
            for name in PIPELINES:
                report, problem = runs[(case, form), name].result()
                cells.append(cell(report, problem))
                if problem:
                    wrong.append(f"{case}{form}, {name}: {problem.strip()}")
            print(line.format(case + form.replace("_", ", "), f"{expected[case]:.1e}" if not form else "", *cells), flush=True)
    print(f"\n{len(rows)} cases, {len(wrong)} runs that do not agree")
    for problem in wrong:
        print(problem)
    sys.exit(1 if wrong else 0)


main()
