"""The least a Flask application can do: the yardstick for pixel and click."""

from __future__ import annotations

from flask import Flask

app = Flask("hello")


@app.get("/")
def hello() -> str:
    """No database, no session, no template."""
    return "Hello, world"
