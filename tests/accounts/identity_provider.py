"""A small OpenID Connect provider on loopback: discovery, authorization code with PKCE, tokens signed with a key of its own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "postbridge", "a secret of the tests"


@dataclass
class Provider:
    """``claims``: what the next token says besides the usual; None takes a claim away. ``key``: signs; ``published``: what the world is told."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    published: RSAKey | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    def visit(self, address: str) -> str:
        """As the browser of somebody who is signed in here: where they are sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and asked["client_id"] == CLIENT
        assert len(asked["state"]) >= 32 and len(asked["nonce"]) >= 32 and "openid" in asked["scope"]
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The answer of the token endpoint; None refuses."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
        if asked is None or challenge != asked["code_challenge"] or authorization != expected or form.get("redirect_uri") != asked["redirect_uri"]:
            self.refusals.append("token")
            return None
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 60, "nonce": asked["nonce"], "email_verified": True}
        merged = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        return {"access_token": "x", "token_type": "Bearer", "id_token": jwt.encode({"alg": "RS256", "kid": "1"}, merged, self.key)}

    def document(self) -> dict[str, Any]:
        """What it says of itself."""
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return {"issuer": self.url, **{name: f"{self.url}/{path}" for name, path in names.items()}}

    def keys(self) -> dict[str, Any]:
        """Its public keys."""
        return {"keys": [(self.published or self.key).as_dict(private=False)]}


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    """Running."""
    known = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(known.document() if self.path.endswith("openid-configuration") else known.keys())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(known.token({name: values[0] for name, values in form.items()}, self.headers.get("Authorization", "")))

        def _answer(self, body: dict[str, Any] | None) -> None:
            self.send_response(400 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body or {"error": "invalid_grant"}).encode())

        def log_message(self, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield known
        finally:
            server.shutdown()
