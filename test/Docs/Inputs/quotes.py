"""usage: quotes.py PAGE.md LANGUAGE FILE: holds each block of that language against the program it is quoted from."""

import re
import sys

page, language, path = sys.argv[1:]
blocks = re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", open(page).read(), re.MULTILINE | re.DOTALL)
program = open(path).read()
if not blocks:
    sys.exit(f"{page}: no block of {language}")
for block in blocks:
    if block not in program:
        sys.exit(f"{path} has no longer what {page} quotes:\n{block}")
