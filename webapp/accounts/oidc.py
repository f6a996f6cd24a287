"""Signing in at an identity provider: OpenID Connect, authorization code with PKCE, state and nonce (OpenID Connect Core 3.1, RFC 7636, RFC 9700).

The provider is named by the operator's settings and so is trusted to be dialled. Authlib and its JOSE library are loaded with the first use.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from webapp.kernel.errors import Forbidden, Unavailable, ValidationFailed
from webapp.kernel.ttl_cache import TtlCache
from webapp.settings import get_settings

#: Signatures only: a token without one, or signed with a secret shared by all of the provider's clients, is none.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_SECONDS = 10
_LARGEST = 1_000_000
_LEEWAY = 60
_AWAY = "The identity provider does not answer as it should; try again, or sign in with your password."
_documents: TtlCache[str, dict[str, Any]] = TtlCache(600.0, 10)


@dataclass(frozen=True, slots=True)
class Journey:
    """One visit to the provider: where to send the browser, and what must come back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says, signed and checked. ``email`` is verified by it, in lower case."""

    issuer: str
    subject: str
    email: str


def is_on() -> bool:
    """Whether the operator named a provider."""
    settings = get_settings()
    return bool(settings.oidc_issuer and settings.oidc_client_id)


def begin() -> Journey:
    """Raises ``Unavailable`` when the provider cannot be asked."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    query = {
        "response_type": "code", "client_id": get_settings().oidc_client_id, "redirect_uri": _redirect_uri(), "scope": "openid email",
        "state": state, "nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
    }  # fmt: skip
    address = str(_discover()["authorization_endpoint"])
    return Journey(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", state, nonce, verifier)


def finish(code: str, verifier: str, nonce: str) -> Claims:
    """Exchange the code and check what comes for it. Raises ``Unavailable``, ``ValidationFailed`` (what came is not right) and ``Forbidden``."""
    settings, document = get_settings(), _discover()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _redirect_uri(), "code_verifier": verifier}
    headers = {"Accept": "application/json"}
    if settings.oidc_client_secret:
        import base64

        pair = f"{quote(settings.oidc_client_id, safe='')}:{quote(settings.oidc_client_secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = settings.oidc_client_id
    answer = _ask(str(document["token_endpoint"]), form, headers)
    return _claims_of(str(answer.get("id_token", "")), nonce, document)


def _claims_of(token: str, nonce: str, document: dict[str, Any]) -> Claims:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    settings = get_settings()
    try:
        keys = KeySet.import_key_set(_ask(str(document["jwks_uri"])))  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        issuer, subject = settings.oidc_issuer, claims["sub"]
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        fits = (
            claims["iss"] == issuer and settings.oidc_client_id in audience and (len(audience) == 1 or claims.get("azp") == settings.oidc_client_id)
            and claims["exp"] > time.time() - _LEEWAY and claims["iat"] < time.time() + _LEEWAY and secrets.compare_digest(str(claims.get("nonce", "")), nonce)
        )  # fmt: skip
    except (JoseError, ValueError, KeyError, TypeError):
        fits = False
    if not fits or not isinstance(subject, str) or not subject:
        raise ValidationFailed("What the identity provider sent is not right; try again.")
    email = str(claims.get("email", "")).strip().lower()
    if claims.get("email_verified") is not True or "@" not in email:
        raise Forbidden("Your identity provider has not verified your address, so it proves nothing here.")
    if settings.oidc_domains and email.rpartition("@")[2] not in {domain.lower() for domain in settings.oidc_domains}:
        raise Forbidden("Addresses of this domain do not sign in here.")
    return Claims(issuer, subject, email)


def _redirect_uri() -> str:
    return f"{get_settings().public_url.rstrip('/')}/login/oidc/callback"


def _discover() -> dict[str, Any]:
    issuer = get_settings().oidc_issuer
    if cached := _documents.find(issuer):
        return cached[0]
    document = _ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != issuer or not all(isinstance(document.get(name), str) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")):
        raise Unavailable("The identity provider describes itself under another name than POSTBRIDGE_OIDC_ISSUER; tell whoever runs this server.")
    _documents.put(issuer, document)
    return document


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token must not travel to where an answer points."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """None: the redirect becomes an error."""
        return


def _ask(url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise Unavailable("The identity provider must be reached by https; tell whoever runs this server.")
    request = urllib.request.Request(url, urlencode(form).encode() if form else None, headers or {})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS) as answer:
            found = json.loads(answer.read(_LARGEST))
    except (urllib.error.URLError, OSError, ValueError):
        raise Unavailable(_AWAY) from None
    if not isinstance(found, dict):
        raise Unavailable(_AWAY)
    return found
