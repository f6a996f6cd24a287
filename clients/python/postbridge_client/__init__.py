"""Typed client of the Postbridge API, with the standard library alone.

with Postbridge("https://mail.example.com", "mp_test_...") as client:
    client.send_email(from_="shop@your-domain.com", to="customer@example.net", subject="Hello", text="It works")
"""

from postbridge_client import webhooks
from postbridge_client.client import Postbridge
from postbridge_client.errors import (
    Conflict,
    ConnectionFailed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PostbridgeError,
    Problem,
    RateLimited,
    ServerFailed,
    ValidationFailed,
)
from postbridge_client.results import Page, Record, etag

__all__ = [
    "Conflict",
    "ConnectionFailed",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Page",
    "Postbridge",
    "PostbridgeError",
    "Problem",
    "RateLimited",
    "Record",
    "ServerFailed",
    "ValidationFailed",
    "etag",
    "webhooks",
]
