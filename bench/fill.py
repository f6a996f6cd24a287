"""Fills the queue in one moment: ``python -m bench.fill N`` accepts N different messages in one transaction, commits, and wakes delivery.

Until the commit no worker sees any of them, so a drain can be timed from the commit with workers that are warm. Prints that monotonic time.
"""

from __future__ import annotations

import argparse
import json
import time
from uuid import UUID

import sqlalchemy as sa

from bench import mail
from webapp import all_models
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import raw_of, tenant_session
from webapp.kernel.errors import DomainError
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.scope import Mode
from webapp.messages.service import Sender, accept_units, unit_of
from webapp.messages.types import Door, MessageSubmission, RecipientInput

_GROUP = 200


def submission(number: int, run: str, bridge_id: UUID) -> MessageSubmission:
    """One message of the usual content to a recipient of its own."""
    return MessageSubmission(
        from_address=parse_address(mail.SENDER), recipients=(RecipientInput(parse_address(mail.recipient(number, run).decode())),),
        subject=f"Your order {number}", door=Door.API, html=mail.html(), text=mail.text(), bridge_id=bridge_id,
    )  # fmt: skip


def fill(tenant_id: UUID, bridge_id: UUID, count: int, run: str) -> float:
    """Accept ``count`` messages; returns the monotonic time just before the commit."""
    sender = Sender(tenant_id, Mode.LIVE, bridge_id=bridge_id)
    with tenant_session(tenant_id) as session:
        session.execute(sa.text("select 1"))
        connection = raw_of(session)
        for first in range(0, count, _GROUP):
            units = [unit_of(sender, submission(number, run, bridge_id)) for number in range(first, min(first + _GROUP, count))]
            accept_units(connection, units)
            refused = [result for unit in units for result in unit.results if isinstance(result, DomainError)]
            if refused:
                raise refused[0]
        start = time.monotonic()
    wake_delivery()
    return start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--tenant", type=UUID, required=True)
    parser.add_argument("--bridge", type=UUID, required=True)
    parser.add_argument("--run", required=True)
    options = parser.parse_args()
    assert all_models.metadata.tables
    print(json.dumps({"start": fill(options.tenant, options.bridge, options.count, options.run)}))
