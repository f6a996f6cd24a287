"""Tracking in HTML: links of `<a>` and `<area>` get tracked addresses, a pixel goes before the last `</body>`.

One pass of a regular tokeniser, no tree: it knows comments, raw-text elements, quotes and attributes, and leaves alone whatever it cannot read for
certain. Every octet that is not a rewritten address stays. Patterns are possessive, so that hostile HTML costs no more than its length.
"""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import dataclass, field
from html import unescape
from html.entities import html5

from worker.delivery.content import TrackingPlan
from worker.delivery.slots import TOKEN, UNSUBSCRIBE, VARIABLE, Slot, SlotKind, SlotTable

# Every branch starts with a literal or a set, which lets the engine pass by most tags at a glance; a group there would forbid it.
_TOKENS = re.compile(
    r"<(?:"
    r"[aA](?:(?i:rea))?(?=[\s/])"
    r"|!--"
    r"|[sS](?i:cript|tyle)(?=[\s/>])"
    r"|[tT](?i:itle|extarea)(?=[\s/>])"
    r"|[xX](?i:mp)(?=[\s/>])"
    r"|[iI](?i:frame)(?=[\s/>])"
    r"|[nN][oO](?i:embed|frames)(?=[\s/>])"
    r"|[pP](?i:laintext)(?=[\s/>])"
    r")"
)
_BODY_END = re.compile(r"</(?i:body)(?=[\s/>])")
_VALUE = r"""(?:"(?:[^"]*+)"|'(?:[^']*+)'|[^\s"'<>`=][^\s"'<>`]*+)"""
_OTHER = rf"""(?:[\s/]*+(?!(?i:href)[\s=/>])[^\s"'<>/=]++(?:\s*+=\s*+{_VALUE})?+)"""
_HREF = re.compile(
    rf"""(?i:a|area)(?=[\s/]){_OTHER}*+[\s/]*+(?i:href)\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'<>`=][^\s"'<>`]*+))"""
    rf"""(?:[\s/]*+[^\s"'<>/=]++(?:\s*+=\s*+{_VALUE})?+)*+[\s/]*+>"""
)
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>`]++)))?+""")
_COMMENT_END = re.compile(r"--!?>")
_RAW_END = {
    name: re.compile(rf"</(?i:{name})(?=[\s/>])")
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}  # fmt: skip
_REFERENCE = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)(=?)")
_WEB = re.compile(r"https?://[^\x00-\x20\x7f/?#][^\x00-\x1f\x7f]*", re.IGNORECASE)
_DROPPED = str.maketrans("", "", "\t\r\n")
_C0_SPACE = "".join(map(chr, range(33)))
MAX_URL = 4096
"""Characters of an address that is tracked; longer ones would not come back whole through every proxy."""
MAX_TAG = 65_536
"""Characters after `<a` within which the tag must end; keeps the cost of hostile HTML linear."""


def decode_attribute(value: str) -> str:
    """Return an attribute's value with character references resolved as in HTML attributes.

    There, unlike in text, `&copy=1` and `&copyx` are no references (HTML 13.2.5.73): `html.unescape` would break such query strings.
    """
    if "&" not in value:
        return value
    return _REFERENCE.sub(_resolve, value)


def _resolve(found: re.Match[str]) -> str:
    name, equals = found[1], found[2]
    if name.startswith("#"):
        return unescape(f"&{name}") + equals
    character = html5.get(name)
    if character is None or (equals and not name.endswith(";")):
        return found[0]
    return character + equals


def clean_url(url: str) -> str | None:
    """Return an address as a browser would read it (no white space around it, no tabs or line ends), None when it is not http or https."""
    if not url.isprintable() or url.startswith(" ") or url.endswith(" "):
        url = url.strip(_C0_SPACE).translate(_DROPPED)
    return url if len(url) <= MAX_URL and _WEB.fullmatch(url) else None


@dataclass(slots=True)
class LinkMaker:
    """Makes tracked addresses, `<base>/api/t/c/<recipient token>.<link token>`; asks for the token of a link once."""

    plan: TrackingPlan
    _tokens: dict[str, str] = field(default_factory=dict)
    _own: tuple[str, ...] = field(init=False)
    _before: str = field(init=False)
    who: str = field(init=False)

    def __post_init__(self) -> None:
        """Work out which addresses are our own."""
        base = self.plan.base_url.lower()
        self._own = tuple(f"{base}/{path}/" for path in ("api", "t", "unsub", "preferences"))
        self._before = f"{self.plan.base_url}/api/t/c/"
        #: The recipient token, or its mark.
        self.who = self.plan.recipient_token or TOKEN

    def around_token(self, url: str) -> tuple[str, str] | None:
        """Return what stands before and behind the recipient token in the tracked address; None for an address that is not tracked."""
        clean = clean_url(url)
        if clean is None or clean[: len(self._own[-1])].lower().startswith(self._own):
            return None
        token = self._tokens.get(clean)
        if token is None:
            token = self._tokens[clean] = self.plan.link_token(clean)
        return self._before, f".{token}"


def track_html(html: str, links: LinkMaker, table: SlotTable | None) -> str:
    """Return HTML (without NUL) with tracked links and pixel as the plan says, slots marked.

    table: where links with variables become slots; None when `{{...}}` means nothing (mail taken as a whole by SMTP).
    """
    plan = links.plan
    edits: list[tuple[int, int, str]] = []
    hidden: list[tuple[int, int]] = []
    at = 0
    while found := _TOKENS.search(html, at):
        start, at = found.span()
        name = found[0][1:].lower()
        if name in ("a", "area"):
            if plan.clicks and not _is_inside_tag(html, start):
                tag = _HREF.match(html, start + 1, start + MAX_TAG)
                if tag is not None:
                    at = tag.end()
                    _track_tag(tag, links, table, edits)
            continue
        at = _hidden_end(html, name, at)
        hidden.append((start, at))
    if plan.opens:
        place = _body_end(html, hidden)
        insort(edits, (place, place, pixel(plan.base_url, links.who)))
    return _apply(html, edits)


def _hidden_end(html: str, name: str, at: int) -> int:
    """Where the comment or raw-text element whose start tag's name ends at `at` is over; at the end of the HTML when nothing ends it."""
    if name == "plaintext":
        return len(html)
    if name == "!--":
        # `<!-->` and `<!--->` are whole comments (HTML 13.2.5.43).
        if html.startswith((">", "->"), at):
            return html.index(">", at) + 1
        end = _COMMENT_END.search(html, at)
    else:
        end = _RAW_END[name].search(html, at)
    return end.end() if end else len(html)


def _body_end(html: str, hidden: list[tuple[int, int]]) -> int:
    """Where the last `</body` outside `hidden` begins, else the end of the HTML. Looks backwards: it is nearly always among the last tags."""
    at = html.rfind("</")
    while at >= 0:
        if _BODY_END.match(html, at):
            while hidden and hidden[-1][0] > at:
                hidden.pop()
            if not hidden or hidden[-1][1] <= at:
                return at
        at = html.rfind("</", 0, at)
    return len(html)


def pixel(base_url: str, token: str = TOKEN) -> str:
    """Return the image that tells of an open. token: the recipient token, by default as a slot."""
    return f'<img src="{base_url}/api/t/o/{token}" width="1" height="1" alt="" style="border:0;width:1px;height:1px;max-height:1px;overflow:hidden">'


def _is_inside_tag(html: str, at: int) -> bool:
    """True when the `<` at `at` seems to stand inside another tag, such as in `<img alt="<a href=...">`."""
    before = html.rfind("<", 0, at)
    if before < 0 or html.find(">", before, at) >= 0:
        return False
    return html[before + 1 : before + 2].isalpha() or html[before + 1 : before + 2] in ("/", "!")


def _track_tag(tag: re.Match[str], links: LinkMaker, table: SlotTable | None, edits: list[tuple[int, int, str]]) -> None:
    group = tag.lastgroup or "double"
    source = tag[group]
    url = decode_attribute(source)
    if "{{" in url:
        names = VARIABLE.findall(url)
        if UNSUBSCRIBE in names:
            return
        is_web = url.lstrip(_C0_SPACE).startswith("{{") or clean_url(url) is not None
        if table is not None and names and is_web and not _is_opted_out(tag[0]):
            edits.append((*tag.span(group), table.mark(Slot(SlotKind.LINK, url, source))))
        return
    around = links.around_token(url) if not _is_opted_out(tag[0]) else None
    if around is not None:
        edits.append((*tag.span(group), f"{around[0]}{links.who}{around[1]}"))


def _is_opted_out(tag: str) -> bool:
    """True for a link marked `data-pb-no-track` or `data-track="false"`."""
    if "TRACK" not in tag.upper():
        return False
    # The tag's own name is read as an attribute too; it is none of the two.
    for name, *values in _ATTRIBUTE.findall(tag):
        lower = name.lower()
        if lower == "data-pb-no-track" or (lower == "data-track" and "".join(values).strip().lower() == "false"):
            return True
    return False


def _apply(html: str, edits: list[tuple[int, int, str]]) -> str:
    out: list[str] = []
    done = 0
    for start, end, text in edits:
        out += html[done:start], text
        done = end
    out.append(html[done:])
    return "".join(out)
