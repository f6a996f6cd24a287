"""Files of contacts: what is understood, what is refused, and that nothing is done twice or lost."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.contacts import csv_pieces
from webapp.contacts.service import importing
from webapp.kernel.db import unscoped
from worker.jobs.contacts import import_files

_SEED = "email,first_name,last_name\nada@example.net,Ada,Lovelace\nnobody,No,Body\nbob@example.net,Bob,\n"


@pytest.fixture
def api(app: Flask, cast: Cast) -> Any:
    return cast.owner.api(app)


def _import(api: Any, data: str | bytes, query: str = "", path: str = "/contacts/import") -> dict[str, Any]:
    raw = data if isinstance(data, bytes) else data.encode()
    answer = api.post(f"/api/v1{path}{query}", data={"file": (io.BytesIO(raw), "people.csv")}, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.json
    import_files(0)
    return dict(api.get(f"/api/v1/imports/{answer.json['data']['id']}").json["data"])


def _people(api: Any) -> dict[str, dict[str, Any]]:
    return {contact["email"]: contact for contact in api.get("/api/v1/contacts?limit=100").json["data"]}


def test_the_file_of_the_documentation(api: Any) -> None:
    news = api.post("/api/v1/lists", json={"name": "News"}).json["data"]["id"]
    done = _import(api, _SEED, path=f"/lists/{news}/import")
    assert (done["state"], done["rows"], done["created"], done["refused"]) == ("done", 3, 2, 1)
    assert done["position"] == done["size"] == len(_SEED)
    assert {e: (c["first_name"], c["last_name"]) for e, c in _people(api).items()} == {"ada@example.net": ("Ada", "Lovelace"), "bob@example.net": ("Bob", None)}
    assert len(api.get(f"/api/v1/lists/{news}/contacts").json["data"]) == 2
    errors = api.get(f"/api/v1/imports/{done['id']}/errors").get_data(as_text=True).splitlines()
    assert errors[0] == "row,text,problem"
    assert errors[1].startswith('2,"nobody,No,Body",not an email address')


def test_a_second_time_changes_nothing(api: Any) -> None:
    _import(api, _SEED)
    again = _import(api, _SEED)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)


def test_existing_contacts_are_updated_or_kept_as_chosen(api: Any) -> None:
    _import(api, _SEED)
    kept = _import(api, "email,first_name\nada@example.net,Countess\n", "?update_existing=false")
    assert (kept["unchanged"], _people(api)["ada@example.net"]["first_name"]) == (1, "Ada")
    changed = _import(api, "email,first_name,last_name\nada@example.net,Countess,\n")
    assert (changed["updated"], _people(api)["ada@example.net"]["last_name"]) == (1, "Lovelace")  # an empty cell says nothing


@pytest.mark.parametrize(
    "data",
    [
        "E-Mail;Vorname;Stadt\nada@example.net;Zoë;Köln\n".encode("cp1252"),
        "\ufeffemail\tfirst name\tStadt\nada@example.net\tZoë\tKöln\n".encode(),
        "email,First Name,Stadt\r\nada@example.net,Zoë,Köln\r\n".encode("utf-16"),
        'email,first_name,stadt\n\n"ada@example.net","Zoë","Köln"'.encode(),
        "email|fname|Stadt\rada@example.net|Zoë|Köln\r".encode(),
    ],
)
def test_dialects_and_encodings(api: Any, data: bytes) -> None:
    done = _import(api, data)
    assert (done["created"], done["refused"]) == (1, 0)
    ada = _people(api)["ada@example.net"]
    assert (ada["first_name"], ada["metadata"]) == ("Zoë", {"stadt": "Köln"})


def test_a_file_without_a_header_and_with_a_mapping(api: Any) -> None:
    done = _import(api, "Ada,ada@example.net,pro\nBob,bob@example.net,free\n", "?mapping=first_name&mapping=email&mapping=metadata.plan&tags=2026&tags=fair")
    assert (done["rows"], done["created"]) == (2, 2)
    ada = _people(api)["ada@example.net"]
    assert (ada["first_name"], ada["metadata"]) == ("Ada", {"plan": "pro"})
    tags = api.get(f"/api/v1/contacts/{ada['id']}/tags").json["data"]
    assert [tag["name"] for tag in tags] == ["2026", "fair"]


@pytest.mark.parametrize(
    ("data", "query", "param"),
    [
        (b"", "", "file"),
        (b"\x00\x01\x02", "", "file"),
        (b"name,city\nAda,London\n", "", "mapping"),
        (b"email,x\na@b.test,1\n", "?mapping=email", "mapping"),
        (b"email,x\na@b.test,1\n", "?mapping=email&mapping=email", "mapping"),
        (b"email,x\na@b.test,1\n", "?mapping=email&mapping=password", "mapping[1]"),
        (",".join(["email", *"x" * 300]).encode(), "", "file"),
    ],
)
def test_what_cannot_be_taken_is_named(api: Any, data: bytes, query: str, param: str) -> None:
    answer = api.post(f"/api/v1/contacts/import{query}", data=data, content_type="text/csv")
    assert (answer.status_code, answer.json["error"]["param"]) == (422, param)


def test_hostile_cells_stay_cells(api: Any) -> None:
    rows = ["email,first_name,metadata.a", 'x@example.net,"=cmd|\'/c calc\'!A1","a\nb"', "NUL\0@example.net,x,y"]
    rows += [f"long@example.net,{'n' * 5000},{'v' * 2001}", 'open@example.net,"never closed']
    done = _import(api, "\n".join(rows))
    assert (done["state"], done["created"]) == ("done", 2)
    assert done["rows"] == done["created"] + done["refused"]
    text = api.get("/api/v1/contacts/export").get_data(as_text=True)
    assert "'=cmd" in text


def test_who_left_a_list_is_not_brought_back(api: Any) -> None:
    news = api.post("/api/v1/lists", json={"name": "News"}).json["data"]["id"]
    _import(api, _SEED, path=f"/lists/{news}/import")
    ada = _people(api)["ada@example.net"]["id"]
    api.post(f"/api/v1/lists/{news}/contacts/{ada}/unsubscribe")
    _import(api, _SEED, path=f"/lists/{news}/import")
    assert [c["email"] for c in api.get(f"/api/v1/lists/{news}/contacts?state=subscribed").json["data"]] == ["bob@example.net"]


def test_double_opt_in_is_kept_unless_they_have_confirmed(api: Any) -> None:
    careful = api.post("/api/v1/lists", json={"name": "Careful", "double_opt_in": True, "from_address": "news@acme.test"}).json["data"]["id"]
    _import(api, "email\nada@example.net\n", path=f"/lists/{careful}/import")
    _import(api, "email\nbob@example.net\n", "?already_confirmed=true", path=f"/lists/{careful}/import")
    states = {s: [c["email"] for c in api.get(f"/api/v1/lists/{careful}/contacts?state={s}").json["data"]] for s in ("pending", "subscribed")}
    assert states == {"pending": ["ada@example.net"], "subscribed": ["bob@example.net"]}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_killed_worker_does_nothing_twice(api: Any, monkeypatch: pytest.MonkeyPatch, newline: str) -> None:
    """Small batches, pieces that end in the middle of rows, and a crash in every second batch."""
    monkeypatch.setattr(importing, "_BATCH", 7)
    monkeypatch.setattr(csv_pieces, "_PIECE", 97)
    people = [f"p{i}@example.net,Näme {i},\"two{newline}lines\"" for i in range(60)] + ["bad one,x,y"]
    calls = {"count": 0}
    write = importing.write_batch

    def failing(*args: Any) -> Any:
        calls["count"] += 1
        found = write(*args)
        if calls["count"] % 2:
            raise ConnectionError("killed")
        return found

    monkeypatch.setattr(importing, "write_batch", failing)
    answer = api.post("/api/v1/contacts/import", data=newline.join(["email,first_name,metadata.note", *people]).encode(), content_type="text/csv")
    for _ in range(30):
        try:
            import_files(0)
            break
        except ConnectionError:
            continue
    done = api.get(f"/api/v1/imports/{answer.json['data']['id']}").json["data"]
    assert (done["state"], done["rows"], done["created"], done["refused"], done["position"]) == ("done", 61, 60, 1, done["size"])
    assert len(_people(api)) == 60


def test_a_file_can_be_cancelled(api: Any) -> None:
    taken = api.post("/api/v1/contacts/import", data=_SEED, content_type="text/csv").json["data"]
    assert api.post(f"/api/v1/imports/{taken['id']}/cancel").json["data"]["state"] == "cancelled"
    import_files(0)
    assert _people(api) == {}
    assert api.post(f"/api/v1/imports/{taken['id']}/cancel").status_code == 409


def test_the_wrong_file_ends_early(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_ERRORS", 3)
    monkeypatch.setattr(importing, "_BATCH", 2)
    done = _import(api, "email\n" + "x\n" * 10)
    assert (done["state"], done["refused"]) == ("failed", 4)
    assert "right file" in done["problem"]


def test_a_file_that_is_too_large(app: Flask, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.contacts.api.imports.get_settings", lambda: type("S", (), {"max_import_bytes": 100})())
    answer = api.post("/api/v1/contacts/import", data="email\n" + "ada@example.net\n" * 10, content_type="text/csv")
    assert answer.status_code == 413


def test_rows_of_one_tenant_never_reach_another(app: Flask, cast: Cast, api: Any) -> None:
    _import(api, _SEED)
    assert _people(cast.stranger.api(app)) == {}
    with unscoped("test") as rows:
        owners = set(rows.scalars(sa.text("select tenant_id from contacts union select tenant_id from contact_import_errors")))
    assert owners == {cast.owner.tenant_id}
