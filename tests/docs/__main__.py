"""`python -m tests.docs`: write the pages of docs/ that are made from the code.

With the name of a page it is printed instead.
"""

from __future__ import annotations

import sys

from tests.docs.making import DOCS, PAGES

if sys.argv[1:]:
    sys.stdout.write(PAGES[sys.argv[1]]())
else:
    for name, make in PAGES.items():
        (DOCS / name).write_text(make())
