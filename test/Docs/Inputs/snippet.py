"""Prints a fenced block of a page.

usage: snippet.py PAGE.md LANGUAGE N      the Nth block of that language, from 1
"""

import pathlib
import re
import sys

page, language, number = sys.argv[1:]
blocks = re.findall(rf"^```{language}\n(.*?)^```$", pathlib.Path(page).read_text(), re.M | re.S)
if len(blocks) < int(number):
    sys.exit(f"{page}: {len(blocks)} blocks of {language}, wanted number {number}")
sys.stdout.write(blocks[int(number) - 1])
