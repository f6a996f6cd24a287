"""Logging in at a relay (RFC 4954): PLAIN, LOGIN, CRAM-MD5 (RFC 2195) and XOAUTH2, chosen by what is wanted and what is offered."""

from __future__ import annotations

import binascii
import hmac
import ipaddress
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import NamedTuple

from worker.delivery.types import AuthMethod
from worker.delivery.wire import Wire

#: In this order when the account says "whatever works": over TLS the oldest are the most widely understood.
_AUTOMATIC = (AuthMethod.PLAIN, AuthMethod.LOGIN, AuthMethod.CRAM_MD5)
_SHORTEST_SECRET = 4


class LoginImpossible(Exception):
    """No credentials may be sent here, or no method suits; the text says which."""


class Login(NamedTuple):
    """A way to log in. `first`: the command, `shown`: the same for transcripts, `answers`: what follows each 334, from its text.

    `secrets`: what must not stand in any transcript, also when the server repeats it.
    """

    first: str
    shown: str
    answers: tuple[Callable[[str], str], ...]
    secrets: tuple[str, ...]

    def redact(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "[hidden]")
        return text


def choose_login(wanted: AuthMethod, conn: Wire, username: str, password: str, *, plain_on_loopback: bool) -> Login:
    """The login for what the server offers. `password` is the access token where XOAUTH2 is wanted.

    Raises LoginImpossible when the connection is not encrypted (but for loopback, when `plain_on_loopback`), or when the server offers
    nothing that suits.
    """
    if conn.tls is None and not (plain_on_loopback and ipaddress.ip_address(conn.ip).is_loopback):
        raise LoginImpossible("credentials are sent under TLS only, and this connection has none")
    offered = conn.extensions.get("AUTH", "").upper().split()
    methods = _AUTOMATIC if wanted is AuthMethod.AUTO else (wanted,)
    method = next((one for one in methods if one.value.upper() in offered), None)
    if method is None:
        names = ", ".join(one.value.upper() for one in methods)
        raise LoginImpossible(f"the server offers no way to log in that we may use (AUTH {names})")
    return _MAKERS[method](username, password)


def _plain(username: str, password: str) -> Login:
    """RFC 4616."""
    response = _b64(f"\0{username}\0{password}")
    return Login(f"AUTH PLAIN {response}", "AUTH PLAIN [hidden]", (), _secrets(password, response))


def _login(username: str, password: str) -> Login:
    return Login("AUTH LOGIN", "AUTH LOGIN", (lambda _: _b64(username), lambda _: _b64(password)), _secrets(password))


def _cram_md5(username: str, password: str) -> Login:
    def answer(challenge: str) -> str:
        try:
            question = b64decode(challenge.strip(), validate=True)
        except (binascii.Error, ValueError):
            return "*"  # RFC 4954 section 4: give up
        return _b64(f"{username} {hmac.new(password.encode(), question, 'md5').hexdigest()}")

    return Login("AUTH CRAM-MD5", "AUTH CRAM-MD5", (answer,), _secrets(password))


def _xoauth2(username: str, token: str) -> Login:
    """A refusal comes as 334 with an error in it, which an empty line answers; then the reply proper follows."""
    response = _b64(f"user={username}\1auth=Bearer {token}\1\1")
    return Login(f"AUTH XOAUTH2 {response}", "AUTH XOAUTH2 [hidden]", (lambda _: "",), _secrets(token, response))


_MAKERS: dict[AuthMethod, Callable[[str, str], Login]] = {
    AuthMethod.PLAIN: _plain,
    AuthMethod.LOGIN: _login,
    AuthMethod.CRAM_MD5: _cram_md5,
    AuthMethod.XOAUTH2: _xoauth2,
}


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _secrets(*texts: str) -> tuple[str, ...]:
    found = [form for text in texts for form in (text, _b64(text))]
    return tuple(text for text in found if len(text) >= _SHORTEST_SECRET)
