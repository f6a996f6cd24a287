"""Tracking in HTML: what is rewritten, what is left alone, and that hostile HTML costs nothing but its length."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.delivery.content_making import BASE, make_plan
from worker.delivery.links import LinkMaker, clean_url, decode_attribute, pixel, track_html
from worker.delivery.slots import TOKEN, SlotTable

TRACKED = f"{BASE}/api/t/c/{TOKEN}.L0"
PIXEL = pixel(BASE)


def track(html: str, *, opens: bool = False, clicks: bool = True) -> tuple[str, list[str]]:
    """The tracked HTML and the links that were asked for."""
    asked: list[str] = []
    links = LinkMaker(make_plan(opens=opens, clicks=clicks, asked=asked))
    return track_html(html, links, SlotTable(links.around_token)), asked


@pytest.mark.parametrize(
    ("html", "wanted", "url"),
    [
        ('<a href="https://x.example/">x</a>', f'<a href="{TRACKED}">x</a>', "https://x.example/"),
        ("<a href='https://x.example/'>x</a>", f"<a href='{TRACKED}'>x</a>", "https://x.example/"),
        ("<a href=https://x.example/?a=b>x</a>", f"<a href={TRACKED}>x</a>", "https://x.example/?a=b"),
        ("<A HREF = https://x.example/ class=y>", f"<A HREF = {TRACKED} class=y>", "https://x.example/"),
        ('<a\n\tclass="b"\n href="HTTPS://X.example/A">', f'<a\n\tclass="b"\n href="{TRACKED}">', "HTTPS://X.example/A"),
        ('<a/href="http://x.example">', f'<a/href="{TRACKED}">', "http://x.example"),
        ('<a class="x"href="http://x.example"id=q>', f'<a class="x"href="{TRACKED}"id=q>', "http://x.example"),
        ('<area shape="rect" href="http://x.example" />', f'<area shape="rect" href="{TRACKED}" />', "http://x.example"),
        ('<a href="https://x.example/?a=1&amp;b=2">', f'<a href="{TRACKED}">', "https://x.example/?a=1&b=2"),
        ('<a href="https://x.example/?a=1&copy=2&lt=3&ampx=4">', f'<a href="{TRACKED}">', "https://x.example/?a=1&copy=2&lt=3&ampx=4"),
        ('<a href="https&#58;//x.example/&#x2F;&eacute;">', f'<a href="{TRACKED}">', "https://x.example//é"),
        ('<a href=" https://x.example/a\n\tb ">', f'<a href="{TRACKED}">', "https://x.example/ab"),
        ('<a title="a > b" href="https://x.example/">', f'<a title="a > b" href="{TRACKED}">', "https://x.example/"),
        ('<a title="href=x" data-href="y" href="https://x.example/">', f'<a title="href=x" data-href="y" href="{TRACKED}">', "https://x.example/"),
        ('<a href="https://bücher.example/ü?q=ä b">', f'<a href="{TRACKED}">', "https://bücher.example/ü?q=ä b"),
        ('<a href="https://x.example/" data-track="true">', f'<a href="{TRACKED}" data-track="true">', "https://x.example/"),
        ('5 < 6 <a href="https://x.example/">', f'5 < 6 <a href="{TRACKED}">', "https://x.example/"),
        ('<!--[if !mso]><!--><a href="https://x.example/">', f'<!--[if !mso]><!--><a href="{TRACKED}">', "https://x.example/"),
        ('<!--><a href="https://x.example/">', f'<!--><a href="{TRACKED}">', "https://x.example/"),
        ('<style>a{}</style ><a href="https://x.example/">', f'<style>a{{}}</style ><a href="{TRACKED}">', "https://x.example/"),
        ('<a href="https://user:pw@x.example/">', f'<a href="{TRACKED}">', "https://user:pw@x.example/"),
    ],
)
def test_rewritten(html: str, wanted: str, url: str) -> None:
    assert track(html) == (wanted, [url])


@pytest.mark.parametrize(
    "html",
    [
        "",
        "plain",
        "<a>",
        "<a href>",
        '<a href="">',
        '<a href="#top">',
        '<a href="/path">',
        '<a href="//x.example/">',
        '<a href="mailto:a@b.example">',
        '<a href="tel:+1">',
        '<a href="javascript:alert(1)">',
        '<a href="data:text/html,x">',
        '<a href="ftp://x.example/">',
        '<a href="http:x.example">',
        '<a href="https://">',
        '<a href="https:// x">',
        '<a name="https://x.example/">',
        '<a xhref="https://x.example/">',
        '<a data-href="https://x.example/">',
        '<abbr href="https://x.example/">',
        '<address href="https://x.example/">',
        '<b href="https://x.example/">',
        '<link href="https://x.example/">',
        '<head><base href="https://x.example/"></head>',
        '<img src="https://x.example/a.png">',
        '<form action="https://x.example/">',
        '<!-- <a href="https://x.example/"> -->',
        '<!--[if mso]><a href="https://x.example/"><![endif]-->',
        '<!-- <a href="https://x.example/">',
        '<style>/* <a href="https://x.example/"> */</style>',
        "<script>\"<a href='https://x.example/'>\"</script>",
        '<STYLE><a href="https://x.example/">',
        '<title><a href="https://x.example/"></title>',
        '<textarea><a href="https://x.example/"></textarea>',
        '<plaintext><a href="https://x.example/">',
        '<a href="https://x.example/" data-pb-no-track>',
        '<a DATA-PB-NO-TRACK="" href="https://x.example/">',
        '<a data-track="false" href="https://x.example/">',
        "<a href=\"https://x.example/\" data-track='FALSE'>",
        '<a href="https://x.example/" data-track=false>',
        '<a href="{{unsubscribe_url}}">',
        '<a href="{{ unsubscribe_url }}">',
        '<a href="https://x.example/?u={{unsubscribe_url}}">',
        f'<a href="{BASE}/api/unsub/abc">',
        f'<a href="{BASE}/api/t/c/x.y">',
        f'<a href="{BASE.upper()}/API/unsub/abc">',
        f'<a href="{BASE}/preferences/x">',
        '<a href="https://x.example/',
        '<a href="https://x.example/>',
        "<a href='https://x.example/\">",
        '<a href="https://x.example/" <b>',
        '<a href="https://x.example/" "x">',
        '<a =x href="https://x.example/">',
        '<a href="https://x.example/" ==>',
        '<a href=https://x.example/"x>',
        '<a href="#" href="https://x.example/">',
        "<img alt=\"<a href='https://x.example/'>\">",
        f'<a href="https://x.example/{"x" * 5000}">',
        '<a href="https://x.example/\x01y">',
        '<a href="\x01">',
        '<a href="{{mail}}@x.example" x',
        "<a {{attributes}}>",
        '< a href="https://x.example/">',
        '</a href="https://x.example/">',
    ],
)
def test_left_alone(html: str) -> None:
    assert track(html) == (html, [])


def test_a_link_is_asked_for_once() -> None:
    html, asked = track('<a href="https://x/?a&amp;b"><a href="https://y/"><a href=\'https://x/?a&b\'>')
    assert asked == ["https://x/?a&b", "https://y/"]
    assert html.count(".L0") == 2
    assert html.count(".L1") == 1


def test_nothing_is_rewritten_twice() -> None:
    once, _ = track('<a href="https://x/">')
    assert track(once) == (once, [])
    sent = once.replace(TOKEN, "rtoken")
    assert track(sent) == (sent, [])


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p>x</p>", f"<p>x</p>{PIXEL}"),
        ("<body>x</body></html>", f"<body>x{PIXEL}</body></html>"),
        ("<BODY>x</BODY >", f"<BODY>x{PIXEL}</BODY >"),
        ("x</body>y</body>z", f"x</body>y{PIXEL}</body>z"),
        ("x</body><!-- </body> -->", f"x{PIXEL}</body><!-- </body> -->"),
        ("x</bodyguard>", f"x</bodyguard>{PIXEL}"),
        ("", PIXEL),
    ],
)
def test_pixel(html: str, wanted: str) -> None:
    assert track(html, opens=True, clicks=False) == (wanted, [])


def test_pixel_before_a_link_that_follows_the_body() -> None:
    html, _ = track('x</body><a href="https://x/">', opens=True)
    assert html == f'x{PIXEL}</body><a href="{TRACKED}">'


def test_only_opens_leaves_links() -> None:
    assert track('<a href="https://x/">', opens=True, clicks=False) == (f'<a href="https://x/">{PIXEL}', [])


def test_variables_in_a_link_make_a_slot() -> None:
    html, asked = track('<a href="https://x/{{id}}"><a href="{{url}}"><a href="mailto:{{mail}}">')
    assert html == '<a href="\x001\x00"><a href="\x002\x00"><a href="mailto:{{mail}}">'
    assert asked == []


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a&amp;b", "a&b"),
        ("&ampb", "&ampb"),
        ("&amp=b", "&amp=b"),
        ("&amp;=b", "&=b"),
        ("&amp", "&"),
        ("&amp b", "& b"),
        ("&notit;", "&notit;"),
        ("&#65;&#x42&#0;", "AB\ufffd"),
        ("&unknown;", "&unknown;"),
        ("&", "&"),
        ("&;", "&;"),
        ("&lang;", "⟨"),
        ("&lang=de", "&lang=de"),
        ("&#65=", "A="),
    ],
)
def test_attribute_references(value: str, wanted: str) -> None:
    assert decode_attribute(value) == wanted


def test_attribute_references_agree_with_the_standard_library_where_it_follows_html() -> None:
    class Reader(HTMLParser):
        found = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found = attrs[0][1] or ""

    for value in ("a&amp;b&eacute;&#233;&#xe9;", "&lt;&gt;&quot;", "?a=1&b=2"):
        reader = Reader()
        reader.feed(f'<a href="{value}">')
        assert decode_attribute(value) == reader.found


def test_clean_url() -> None:
    assert clean_url("\x00 https://x/\r\n\ty\x1f") == "https://x/y"
    assert clean_url("https://x/\x7f") is None
    assert clean_url("javascript:https://x/") is None


fragments = st.sampled_from(
    [
        "<a",
        "<a ",
        " href",
        "=",
        '"',
        "'",
        "https://x/",
        ">",
        "<",
        "<!--",
        "-->",
        "</body",
        "<style",
        "</style>",
        "<script>",
        " x",
        "/",
        "{{v}}",
        "&amp;",
        "é",
        "\n",
        "`",
    ]
)


@settings(max_examples=500)
@given(st.lists(fragments, max_size=40).map("".join))
def test_soup_never_crashes_and_loses_nothing(html: str) -> None:
    tracked, asked = track(html, opens=True)
    assert tracked.count(PIXEL) == 1
    plain = tracked.replace(PIXEL, "")
    for number, url in enumerate(asked):
        assert url.startswith("https://x/")
        assert f".L{number}" in plain
    if not asked and "\0" not in plain:
        assert plain == html


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<a href",
        "<a href=",
        '<a href="',
        "<a '",
        "<a \"'",
        '<a x="\'"',
        "<!--",
        "<style>",
        "</body",
        "<",
        "<a x ",
        "<a x=y ",
        "{{",
        "<a href='{{",
        "&amp",
        "<a \"<a '",
        "<a\t=",
        '<a href="https://x/&',
        "<style ",
        "</style",
        "--",
        "<a href=https://x/&#",
    ],
)
@pytest.mark.parametrize("start", ["", "<a ", "<style>", "<!--", '<a href="'])
def test_hostile_html_is_linear(piece: str, start: str) -> None:
    html = start + piece * (400_000 // len(piece))
    before = time.process_time()
    track(html, opens=True)
    assert time.process_time() - before < 2
