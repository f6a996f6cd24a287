"""Every route says who may call it: a permission, or one of the words `public`, `signed_in`, `staff_only`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask

from webapp.http.guard import Access

#: Views of libraries: files that are the same for everybody, and the API's own description.
LIBRARY = {"static", "api-docs.openapi_json"}

#: Words that need no permission; a page that has one shows nobody else's data.
WORDS = {"public", "signed_in", "staff_only"}

#: Routes that change something and yet are open to everybody, each with the reason.
OPEN_WRITES = {
    "accounts.log_in": "nobody is logged in yet",
    "accounts.give_factor": "the first factor was right; the second one is the proof",
    "accounts.give_passkey": "so is the signature of a passkey",
    "accounts.sign_in_with_passkey": "the signature is the proof",
    "accounts.second_factor_options": "a question that changes nothing of anybody's",
    "accounts.passkey_sign_in_options": "a question that changes nothing of anybody's",
    "accounts.logout": "ends only the caller's own session",
    "accounts.make_account": "nobody is logged in yet",
    "accounts.request_reset": "who forgot the password cannot log in",
    "accounts.choose_password": "the mailed token is the proof",
    "accounts.join": "the mailed token is the proof",
    "accounts.take_email_back": "the mailed token is the proof",
    "accounts.change_email": "the mailed token is the proof",
    "Reports in.Postfix": "a shared secret is the proof, asked for before the body is read",
    "Reports in.FromProvider": "the provider's own proof, a signature or a secret, is asked for before the body is believed",
    "backoffice.leave": "puts away only the caller's own token of a support session that is over",
    "contacts.confirm": "the person has no login here, the signed token is the proof",
    "tracking.do_unsubscribe": "RFC 8058: mail clients post without a login, the signed token is the proof",
}
_READS = {"GET", "HEAD", "OPTIONS"}


def marks(app: Flask) -> Iterator[tuple[str, str, Access | None]]:
    """Each endpoint and method with its mark, None where it has none."""
    for rule in app.url_map.iter_rules():
        view: Callable[..., Any] = app.view_functions[rule.endpoint]
        of_class = getattr(view, "view_class", None)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield rule.endpoint, method, getattr(getattr(of_class, method.lower(), None) if of_class else view, "__access__", None)


def test_every_route_is_marked(app: Flask) -> None:
    unmarked = sorted({f"{method} {endpoint}" for endpoint, method, access in marks(app) if access is None and endpoint not in LIBRARY})
    assert not unmarked


def test_a_mark_is_a_permission_or_a_known_word(app: Flask) -> None:
    for endpoint, method, access in marks(app):
        if access is not None:
            assert (access.permission is None) != (access.word is None), (endpoint, method)
            assert access.word in {None, *WORDS}, (endpoint, method)


def test_what_anybody_may_change_is_on_a_list(app: Flask) -> None:
    found = {endpoint for endpoint, method, access in marks(app) if access is not None and access.word == "public" and method not in _READS}
    assert found == set(OPEN_WRITES)


def test_reading_routes_ask_for_no_right_to_write_and_writing_ones_for_no_right_to_read(app: Flask) -> None:
    """A wrong copy of a mark is a hole: GET with `key.delete`, or DELETE with `key.read`, is one."""
    wrong = []
    for endpoint, method, access in marks(app):
        if access is None or access.permission is None:
            continue
        verb = access.permission.value.rpartition(".")[2]
        if (method in {"DELETE", "PUT", "PATCH"} and verb == "read") or (method in _READS and verb == "delete"):
            wrong.append(f"{method} {endpoint} asks for {access.permission.value}")
    assert not wrong
