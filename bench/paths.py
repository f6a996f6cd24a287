"""Prints pixel and click addresses of mail that was accepted, one JSON object: ``python -m bench.paths N`` under the stack's environment."""

from __future__ import annotations

import argparse
import json

import sqlalchemy as sa

from webapp import all_models
from webapp.kernel.db import unscoped
from webapp.messages.models import Recipient
from webapp.tracking.tokens import make_link_token, make_recipient_token

_URL = "https://shop.example.com/items/3?from=mail"


def addresses(count: int) -> dict[str, list[str]]:
    """Of the latest ``count`` recipients: where the pixel is fetched from, and where a link leads through."""
    with unscoped("the measurements act as the readers of mail") as session:
        query = sa.select(Recipient.message_id, Recipient.id).order_by(Recipient.id.desc()).limit(count)
        pairs = session.execute(query).all()
    tokens = [(message, make_recipient_token(message, recipient)) for message, recipient in pairs]
    return {
        "pixel": [f"/api/t/o/{token}" for _, token in tokens],
        "click": [f"/api/t/c/{token}.{make_link_token(message, _URL)}" for message, token in tokens],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    assert all_models.metadata.tables
    print(json.dumps(addresses(parser.parse_args().count)))
