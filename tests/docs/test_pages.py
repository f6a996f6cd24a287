"""The documentation's pages: they answer, lead somewhere, can be searched, and weigh little."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp.documentation import changelog, reference
from webapp.documentation.errors import ERRORS
from webapp.documentation.guides import GUIDES
from webapp.http.api import document_of
from webapp.kernel import errors

_PAGES = ["/docs/", "/docs/errors", "/docs/changelog", "/docs/reference", "/docs/api", "/docs/search?q=idempotency", *(f"/docs/{g.slug}" for g in GUIDES)]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if found.get("id"):
            self.ids.append(str(found["id"]))


def read(client: FlaskClient, url: str) -> _Links:
    answer = client.get(url)
    assert answer.status_code == 200, url
    links = _Links()
    links.feed(answer.get_data(as_text=True))
    return links


@pytest.fixture
def all_pages(app: Flask) -> list[str]:
    """Every page there is."""
    return [*_PAGES, *(f"/docs/reference/{group.slug}" for group in reference.groups(document_of(app)))]


def test_every_link_and_anchor_leads_somewhere(app: Flask, all_pages: list[str]) -> None:
    client = app.test_client()
    known = {url: read(client, url) for url in all_pages}
    broken = []
    for url, page in known.items():
        assert len(page.ids) == len(set(page.ids)), (url, [one for one in page.ids if page.ids.count(one) > 1])
        for link in page.links:
            target, anchor = urldefrag(link)
            if target.startswith(("http", "mailto:")) or (target and not target.startswith("/docs")):
                continue
            there = known.get(target or url)
            if there is None or (anchor and anchor not in there.ids):
                broken.append(f"{url} -> {link}")
    assert not broken


def test_every_error_code_has_its_place(app: Flask) -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DomainError)]
    codes = {kind.code for kind in kinds}
    assert codes == {code.code for code in ERRORS}
    assert codes <= set(read(app.test_client(), "/docs/errors").ids)
    told = {code.code: (code.status, code.retryable, code.more) for code in ERRORS}
    for kind in kinds:
        if kind is not errors.DomainError:
            status, retryable, more = told[kind.code]
            assert kind.status in (status, *more) and kind.retryable == retryable, kind


def test_the_reference_shows_every_operation_with_code(app: Flask) -> None:
    client, document = app.test_client(), document_of(app)
    names = set()
    for group in reference.groups(document):
        text = client.get(f"/docs/reference/{group.slug}").get_data(as_text=True)
        names |= {name for name, *_ in group.operations if f'id="{name}"' in text and f'id="sample-{name}' in text}
    assert names == {operation["operationId"] for item in document["paths"].values() for operation in item.values()}


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("idempotency", "Idempotency keys"),
        ("validation_error", "validation_error"),
        ("create bridge", "Create a bridge"),
        ("RETRY-AFTER", "Rate limits"),
        ("allowed_networks", "Make an API key"),
    ],
)
def test_search_finds(app: Flask, question: str, title: str) -> None:
    text = app.test_client().get("/docs/search", query_string={"q": question}).get_data(as_text=True)
    found = re.findall(r"docs-found.*?</ul>", text, re.S)[0]
    assert title in re.sub(r"<[^>]+>", "", found)


@pytest.mark.parametrize("question", ["", " ", "<script>alert(1)</script>", "zzzzzz", "%", "a" * 5000, "\x00"])
def test_search_takes_anything(app: Flask, question: str) -> None:
    answer = app.test_client().get("/docs/search", query_string={"q": question})
    assert answer.status_code == 200 and "<script>alert" not in answer.get_data(as_text=True)


def test_pages_that_are_not_there(app: Flask) -> None:
    for url in ("/docs/nothing", "/docs/reference/nothing", "/docs/_layout", "/docs/..%2fx"):
        assert app.test_client().get(url).status_code == 404


def test_every_page_weighs_under_200_kb_with_all_it_loads(app: Flask, all_pages: list[str]) -> None:
    """As the web server sends them to a browser that takes Brotli; what a press of a button fetches is not counted."""
    client, sizes = app.test_client(), {}

    def weight(url: str) -> tuple[int, str]:
        answer = client.get(url, headers={"Accept-Encoding": "gzip, br"})
        assert answer.status_code == 200, url
        data = answer.get_data()
        answer.close()
        return len(data), "" if answer.content_encoding else data.decode("utf-8", "replace")

    for url in all_pages:
        text = client.get(url).get_data(as_text=True)
        assets = set(re.findall(r'<(?:script|link)[^>]*?(?:src|href)="(/static/[^"]+)"', text)) | set(re.findall(r'href="(/static/[^"#]+\.svg[^"#]*)', text))
        sizes[url] = weight(url)[0] + sum(weight(asset)[0] for asset in assets)
    assert {url: size for url, size in sizes.items() if size > 200_000} == {}


def test_the_changelog_reads_its_file() -> None:
    first = changelog.releases()[0]
    assert first.title and first.lines and "<strong>" in first.lines[0]
    assert changelog.line("<b> `a<b`") == "&lt;b&gt; <code>a&lt;b</code>"


def test_the_console_is_fetched_only_when_asked_for(app: Flask) -> None:
    text = app.test_client().get("/docs/api").get_data(as_text=True)
    assert "swagger-ui-bundle.js" in text and not re.search(r'<script[^>]*src="[^"]*swagger', text)


def _leaves(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [leaf for item in items for leaf in (_leaves(item["item"]) if "item" in item else [item])]


def test_the_postman_collection_is_one_and_complete(app: Flask) -> None:
    """The structure that version 2.1 of the format asks for."""
    made = app.test_client().get("/api/v1/postman.json").json
    assert made is not None
    assert made["info"]["schema"].endswith("/v2.1.0/collection.json") and made["info"]["name"]
    assert {one["key"] for one in made["variable"]} == {"host", "api_key"}
    assert made["auth"]["type"] == "bearer" and made["auth"]["bearer"][0]["key"] == "token"
    leaves = _leaves(made["item"])
    document = document_of(app)
    assert len(leaves) == sum(len(item) for item in document["paths"].values())
    for leaf in leaves:
        for request in (leaf["request"], *(one["originalRequest"] for one in leaf["response"])):
            url = request["url"]
            assert request["method"] in {"GET", "POST", "PUT", "PATCH", "DELETE"} and url["raw"].startswith("{{host}}/api/v1/")
            assert url["host"] == ["{{host}}"] and {step[1:] for step in url["path"] if step.startswith(":")} == {one["key"] for one in url["variable"]}
            assert all(set(one) >= {"key", "value"} and isinstance(one["value"], str) for one in (*request["header"], *url["query"], *url["variable"]))
            if "body" in request:
                assert request["body"]["mode"] in {"raw", "formdata"} and request["body"][request["body"]["mode"]]
        for one in leaf["response"]:
            assert isinstance(one["code"], int) and isinstance(one["body"], str) and one["name"]
    with_body = [leaf for leaf in leaves if leaf["response"] and "body" in leaf["request"]]
    assert len(with_body) > 30
