"""Build one SVG sprite from single-icon files: `make_sprite.py ICON_DIR LIST_FILE OUT_FILE`.

The list names the icons the templates use, separated by white space. Each becomes a
`<symbol id=NAME>` without stroke attributes: those are inherited from the `.icon` of the page, which
keeps the sprite a third smaller (selectors do not reach into a sprite of another file, inheritance does).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

SYMBOL = '<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>'


def read_shapes(source: str) -> str:
    """Return the drawing inside one icon file's `<svg>` element, without line breaks.

    Raises ValueError when the text holds no svg element.
    """
    match = re.search(r"<svg[^>]*>(.*)</svg>", source, re.S)
    if match is None:
        raise ValueError("no <svg> element")
    return re.sub(r"\s*\n\s*", "", match.group(1)).replace(" />", "/>")


def build_sprite(icon_dir: Path, names: list[str]) -> str:
    """Return the sprite document for `names`, sorted. Raises FileNotFoundError for an unknown icon."""
    symbols = [SYMBOL.format(name=name, body=read_shapes((icon_dir / f"{name}.svg").read_text())) for name in sorted(set(names))]
    head = '<svg xmlns="http://www.w3.org/2000/svg">\n<!-- Lucide, ISC licence: see LICENSE beside this file -->\n'
    return head + "\n".join(symbols) + "\n</svg>\n"


def main(argv: list[str]) -> int:
    """Command line entry: returns the exit status."""
    if len(argv) != 3:
        sys.stderr.write("usage: make_sprite.py ICON_DIR LIST_FILE OUT_FILE\n")
        return 2
    icon_dir, list_file, out_file = (Path(argument) for argument in argv)
    out_file.write_text(build_sprite(icon_dir, list_file.read_text().split()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
