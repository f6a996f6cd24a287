"""Logging in at relays: the words of each method, and that no secret stands in a transcript."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from tests.worker.delivery.engine_rig import on_loop
from worker.delivery.login import Login, LoginImpossible, choose_login
from worker.delivery.types import AuthMethod
from worker.delivery.wire import Wire


def login(method: AuthMethod, offered: str, username: str = "tim", password: str = "tanstaaftanstaaf") -> Login:
    """On an encrypted connection."""
    conn = Wire("relay.test", "192.0.2.1")
    conn.tls, conn.extensions = "TLSv1.3", {"AUTH": offered}
    return choose_login(method, conn, username, password, plain_on_loopback=False)


@on_loop
async def test_cram_md5_as_in_the_example_of_the_rfc() -> None:
    found = login(AuthMethod.CRAM_MD5, "CRAM-MD5")
    answer = found.answers[0]("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")  # RFC 2195 section 2
    assert found.first == "AUTH CRAM-MD5" and b64decode(answer) == b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert found.answers[0]("no base64!") == "*"


@on_loop
async def test_xoauth2_sends_the_token_and_answers_a_refusal_with_an_empty_line() -> None:
    found = login(AuthMethod.XOAUTH2, "PLAIN XOAUTH2", "me@example.test", "ya29.token")
    assert b64decode(found.first.removeprefix("AUTH XOAUTH2 ")) == b"user=me@example.test\1auth=Bearer ya29.token\1\1"
    assert [answer("eyJzdGF0dXMiOiI0MDEifQ==") for answer in found.answers] == [""]
    assert "ya29" not in found.redact(f"535 {found.first} ya29.token") and "ya29" not in found.shown


@on_loop
async def test_plain_and_login() -> None:
    plain, steps = login(AuthMethod.AUTO, "LOGIN PLAIN"), login(AuthMethod.LOGIN, "LOGIN PLAIN")
    assert b64decode(plain.first.removeprefix("AUTH PLAIN ")) == b"\0tim\0tanstaaftanstaaf"
    assert [b64decode(answer("VXNlcm5hbWU6")) for answer in steps.answers] == [b"tim", b"tanstaaftanstaaf"]
    encoded = b64encode(b"tanstaaftanstaaf").decode()
    assert plain.redact(f"x tanstaaftanstaaf {encoded} y") == "x [hidden] [hidden] y"


@pytest.mark.parametrize(
    ("wanted", "offered", "first"),
    [(AuthMethod.AUTO, "CRAM-MD5", "AUTH CRAM-MD5"), (AuthMethod.AUTO, "cram-md5 login", "AUTH LOGIN"), (AuthMethod.LOGIN, "PLAIN LOGIN", "AUTH LOGIN")],
)
@on_loop
async def test_what_is_chosen(wanted: AuthMethod, offered: str, first: str) -> None:
    assert login(wanted, offered).first == first


@pytest.mark.parametrize(("wanted", "offered"), [(AuthMethod.AUTO, "XOAUTH2 NTLM"), (AuthMethod.AUTO, ""), (AuthMethod.PLAIN, "LOGIN")])
@on_loop
async def test_what_does_not_suit(wanted: AuthMethod, offered: str) -> None:
    with pytest.raises(LoginImpossible, match="offers no way"):
        login(wanted, offered)


@on_loop
async def test_nothing_is_sent_in_the_clear() -> None:
    for ip, on_loopback, fine in (("192.0.2.1", True, False), ("127.0.0.1", False, False), ("127.0.0.1", True, True)):
        conn = Wire("relay.test", ip)
        conn.extensions = {"AUTH": "PLAIN"}
        if fine:
            choose_login(AuthMethod.AUTO, conn, "u", "p", plain_on_loopback=on_loopback)
        else:
            with pytest.raises(LoginImpossible, match="under TLS only"):
                choose_login(AuthMethod.AUTO, conn, "u", "p", plain_on_loopback=on_loopback)
