"""Prints how many tests of a run passed, failed and were skipped.

usage: count.py REPORT       of lit: reads REPORT.json and REPORT.xml
       count.py REPORT.xml   of pytest

An expected failure has passed, an unexpected pass has failed (lit forgives it), and
a test that this machine cannot run was skipped. It takes both reports: the JSON one
leaves out what a GoogleTest skips, the XML one does not know unexpected passes.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as xml

report = pathlib.Path(sys.argv[1])
if report.suffix == ".xml":
    suites = [suite.attrib for suite in xml.parse(report).iter("testsuite")]
    total, failures, errors, skipped = (
        sum(int(suite[key]) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    print(total - failures - errors - skipped, failures + errors, skipped)
    sys.exit()
codes = [test["code"] for test in json.loads(report.with_suffix(".json").read_text())["tests"]]
passed = sum(code in ("PASS", "FLAKYPASS", "XFAIL") for code in codes)
failed = sum(code not in ("PASS", "FLAKYPASS", "XFAIL", "UNSUPPORTED") for code in codes)
total = sum(1 for _ in xml.parse(report.with_suffix(".xml")).iter("testcase"))
print(passed, failed, total - passed - failed)
