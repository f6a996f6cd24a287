"""All checks over one mail."""

from __future__ import annotations

from collections.abc import Iterator

from webapp.messages.content_checks.html_page import HtmlPage, read_page
from webapp.messages.content_checks.links import look_at_image, look_at_link
from webapp.messages.content_checks.programs import look_at_darkness, look_at_support
from webapp.messages.content_checks.types import Check, Image, Link, Look, Tone, Topic
from webapp.messages.content_checks.words import look_at_words
from webapp.messages.rendered import Rendered

#: Gmail cuts HTML longer than this many bytes and hides the rest behind a link, the unsubscribe link with it.
_CLIPPED = 102_000
_LONG_SUBJECT = 70
_LEAST_TEXT = 60
_NOTHING = Check(Tone.GOOD, "Nothing found", "Text and HTML are there, and links and images look right.")
_ORDER = {Tone.WARN: 0, Tone.NOTE: 1, Tone.GOOD: 2}


def look_at(rendered: Rendered, subject: str, *, bulk: bool = False) -> Look:
    """Links, images and findings of a message. ``bulk``: it goes to many who must be able to leave."""
    html = rendered.html or ""
    page = read_page(html)
    links = tuple(look_at_link(href, text) for href, text in page.links.items())
    images = tuple(look_at_image(src, alt) for src, alt in page.images.items())
    size = len(html.encode())
    found = [*_of_content(rendered, subject, size), *_of_links(links), *_of_images(images, page)]
    found += [*look_at_words(subject, page.text or rendered.text or ""), *look_at_darkness(page), *look_at_support(page)]
    if bulk:
        found += _of_leaving(links, rendered)
    return Look(links, images, tuple(sorted(found, key=lambda check: _ORDER[check.tone])) or (_NOTHING,), size)


def _of_content(rendered: Rendered, subject: str, size: int) -> Iterator[Check]:
    if not rendered.text:
        yield Check(Tone.WARN, "No text part", "Add one: some readers show only text, and some filters count its absence.")
    if not subject.strip():
        yield Check(Tone.WARN, "No subject", "Write one; mail without is often taken for spam.")
    elif len(subject) > _LONG_SUBJECT:
        yield Check(Tone.WARN, "Long subject", f"It has {len(subject)} characters; phones show the first 30 to 70.")
    if size > _CLIPPED:
        yield Check(Tone.WARN, "HTML is cut in Gmail", f"It has {size // 1000} kB; what comes after 102 kB is hidden behind a link.")
    elif size > _CLIPPED * 0.8:
        yield Check(Tone.NOTE, "HTML is nearly too long for Gmail", f"It has {size // 1000} kB, tracked links make it longer, and Gmail cuts at 102 kB.")
    if any("{{" in part or "{%" in part for part in (rendered.html or "", rendered.text or "", subject)):
        yield Check(Tone.WARN, "A variable is left", "Something in {{ }} or {% %} was not filled in.")


def _of_links(links: tuple[Link, ...]) -> Iterator[Check]:
    wrong = [link for link in links if link.remark]
    if wrong:
        yield Check(Tone.WARN, _counted(len(wrong), "link wants", "links want") + " a look", "The list of links says what is wrong with each.", Topic.LINKS)


def _of_images(images: tuple[Image, ...], page: HtmlPage) -> Iterator[Check]:
    wrong = [image for image in images if image.remark]
    if wrong:
        yield Check(Tone.WARN, _counted(len(wrong), "image wants", "images want") + " a look", "The list of images says what is wrong with each.", Topic.IMAGES)
    if images and len(page.text) < _LEAST_TEXT:
        yield Check(Tone.WARN, "Nearly all of it is images", "Many readers see none until they ask. Say the most important thing in words.", Topic.IMAGES)
    if page.unsized:
        yield Check(Tone.NOTE, "Images without a width", "Outlook shows them in their full size. Add width to each.", Topic.IMAGES)
    if sum(page.tags[tag] for tag in ("script", "form", "iframe", "object", "embed")):
        yield Check(Tone.WARN, "Scripts, forms or frames", "Mail programs take them out. Link to a page instead.", Topic.PROGRAMS)


def _of_leaving(links: tuple[Link, ...], rendered: Rendered) -> Iterator[Check]:
    words = ("unsubscribe", "opt out", "opt-out", "preferences", "abmelden", "abbestellen", "désabonner", "darse de baja")
    said = " ".join(f"{link.href} {link.text}" for link in links) + (rendered.text or "")
    if not any(word in said.lower() for word in words):
        what = "The header for mail programs is added for you; the law of most places wants a link in the text too."
        yield Check(Tone.WARN, "No way to unsubscribe in sight", what)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
