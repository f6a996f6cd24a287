"""Join `webapp/static/css/src/*.css` into `webapp/static/css/app.css`, the one style sheet pages load.

No preprocessor: the sources are plain CSS, joined in the order of ORDER with comments and indentation
removed. Run it after every change; a test compares the built file with its sources (`--check` does too).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "webapp" / "static"
SOURCES = STATIC / "css" / "src"
BUILT = STATIC / "css" / "app.css"
FIRST = ("layers.css", "tokens.css", "fonts.css", "base.css", "layout.css", "page.css")
LAST = ("touch.css", "utilities.css", "print.css")
UPLOT = STATIC / "vendor" / "uplot" / "uPlot.min.css"


def list_sources() -> list[Path]:
    """Return the source files in the order in which they are joined."""
    middle = sorted(p.name for p in SOURCES.glob("*.css") if p.name not in FIRST + LAST)
    return [SOURCES / name for name in (*FIRST, *middle, *LAST)]


def strip(css: str) -> str:
    """Return `css` without comments and indentation, one rule a line."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    lines = (line.strip() for line in css.splitlines())
    joined = "\n".join(line for line in lines if line)
    return joined.replace(" {\n", "{").replace(";\n", ";").replace(",\n", ",").replace(";}", "}")


def build() -> str:
    """Return the whole style sheet as text."""
    uplot = f"@layer vendor {{\n{UPLOT.read_text().strip()}\n}}\n"
    parts = [strip(path.read_text()) for path in list_sources()]
    head = "/* Built by scripts/build_css.py from css/src; change those files instead. */\n"
    return head + parts[0] + "\n" + uplot + "\n".join(parts[1:]) + "\n"


def main(argv: list[str]) -> int:
    """Write the file, or with `--check` say whether it is up to date. Returns the exit status."""
    css = build()
    if "--check" in argv:
        return 0 if BUILT.exists() and BUILT.read_text() == css else 1
    BUILT.write_text(css)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
