"""Letters of the platform to people: a text and an HTML template of one name under templates/emails. For jobs, which know no Flask."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from webapp.settings import ROOT

if TYPE_CHECKING:
    import jinja2


def render_letter(name: str, **values: Any) -> tuple[str, str]:
    """Text and HTML of the letter ``name``. Raises ``jinja2.UndefinedError`` for a value that the template needs and does not get."""
    text, html = (_templates().get_template(f"{name}.{end}").render(values) for end in ("txt", "html"))
    return text, html


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2  # with the first letter: most processes write none

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates" / "emails"), undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
