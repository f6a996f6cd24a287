"""From a template's three parts and variables to subject, HTML and text.

The engine (``webapp.content.liquid``) is loaded with the first template: processes that render none are spared a fifth of a second and 8 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from webapp.content.types import RenderedTemplate
from webapp.kernel.errors import Problem, ValidationFailed

#: Filled in per recipient when the message leaves, so rendering lets them stand as they are.
PASSED_ON = {"unsubscribe_url": "{{unsubscribe_url}}"}
#: RFC 5322 section 2.1.1.
_LONGEST_LINE = 998


def render_parts(
    subject: str, html: str | None, text: str | None, variables: Mapping[str, Any], *, stand_in: Callable[[str], str] | None = None
) -> RenderedTemplate:
    """Render all parts. Values are escaped in HTML; a subject is always one line.

    Raises ``ValidationFailed`` naming every missing variable as ``variables.<name>`` (unless ``stand_in`` gives text for them), and for a
    template that does not work with these values.
    """
    from webapp.content import liquid

    values = {**PASSED_ON, **variables}
    missing: dict[str, None] = {}
    done: dict[str, str | None] = {}
    for part, source in (("subject", subject), ("html", html), ("text", text)):
        done[part] = None
        if source is not None:
            try:
                rendered = liquid.render(source, values, html=part == "html", stand_in=stand_in)
            except liquid.TemplateError as error:
                raise ValidationFailed(f"The template's {part} cannot be rendered: {error}.", param="template") from None
            missing.update(dict.fromkeys(rendered.missing))
            done[part] = rendered.text
    if missing and stand_in is None:
        raise ValidationFailed.of([Problem(f"variables.{name}", f"The template needs the variable {name}.") for name in missing])
    return RenderedTemplate(_one_line(done["subject"] or ""), done["html"], done["text"])


def check_parts(subject: str, html: str | None, text: str | None) -> None:
    """Raise ``ValidationFailed`` naming each part that cannot be read as a template."""
    from webapp.content import liquid

    problems = []
    for part, source in (("subject", subject), ("html", html), ("text", text)):
        try:
            liquid.parse(source or "", part == "html")
        except liquid.TemplateError as error:
            problems.append(Problem(part, f"Not a readable template: {error}."))
    if not html and not text:
        problems.append(Problem("html", "Give the template HTML or text, or both."))
    if problems:
        raise ValidationFailed.of(problems)


def variables_of(subject: str, html: str | None, text: str | None) -> list[str]:
    """The variables the parts use, those of the platform left out; empty while a part cannot be read."""
    from webapp.content import liquid

    try:
        names = {name for source in (subject, html, text) if source for name in liquid.variables_of(source)}
    except liquid.TemplateError:
        return []
    return sorted(names - PASSED_ON.keys())


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_LINE]
