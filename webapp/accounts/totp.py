"""Codes of an authenticator app (RFC 6238, SHA-1, six digits, thirty seconds: what every app can do) and their QR code."""

from __future__ import annotations

import hmac
import io
import time

import pyotp
import segno

STEP = 30
#: Steps before and after the present one that count: clocks of phones go wrong by half a minute.
_DRIFT = 1
_ISSUER = "Postbridge"


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 asks for."""
    return pyotp.random_base32(32)


def address_of(secret: str, email: str) -> str:
    """The ``otpauth://`` address that an app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def qr_code(text: str) -> str:
    """The text as SVG to put into a page: no inline style, which the content security policy would refuse; scaled by its class."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, svgclass="qr", lineclass=None, omitsize=True, border=4, light="#fff")
    return out.getvalue().decode()


def matching_step(secret: str, code: str, after: int, moment: float | None = None) -> int | None:
    """The step whose code this is, only among those later than ``after``: a code that was taken once, or an older one, is never taken again."""
    present = int(time.time() if moment is None else moment) // STEP
    made = pyotp.TOTP(secret)
    found = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):  # all of them, so that time tells nothing
        if hmac.compare_digest(made.at(step * STEP), code) and step > after:
            found = step
    return found


def spoken(secret: str) -> str:
    """The secret in groups of four, to be typed by hand."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
