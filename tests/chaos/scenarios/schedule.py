"""Time passes while nobody works: F19 (scheduled mail over a restart, and mail that is a day late)."""

from __future__ import annotations

import http.client
import time
from datetime import UTC, datetime, timedelta

from tests.chaos.ledger import Figures, count_addresses, drain, wait_until
from tests.chaos.load import message, post
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run
from webapp.kernel.db import raw_of, unscoped
from webapp.messages.service.claim import release_held

_LATE = """
update queue_entries set due_at = now() - interval '25 hours', expires_at = now() + interval '1 day'
from recipients r where r.id = recipient_id and r.address like 'ok-late-%'
"""


def overslept(run: Run) -> Figures:
    """F19: everything is killed over the time of scheduled mail. Recovery: from the start until what was due has left."""
    figures = Figures("F19", "scheduled mail over a restart, and a day late")
    with place(run.engines, "chaos_f19", run.var) as ground:
        soon, late = run.pick(200, 40), run.pick(20, 10)
        sent = [*_schedule(ground, "soon", soon, timedelta(seconds=6)), *_schedule(ground, "late", late, timedelta(hours=1))]
        names = list(ground.stack.running)
        for name in names:
            ground.stack.kill(name, restart=False)
        ground.flush_broker()
        ground.change(_LATE)
        time.sleep(8)
        figures.must(not ground.sink.state.messages, "mail left before its time")
        for name in names:
            ground.stack.start(name)
        figures.recovery = drain(ground, 90, held=True)
        wait_until(lambda: ground.one("select count(*) from recipients where state = 'held'") == late, 20)
        held = ground.one("select count(*) from recipients where state = 'held'")
        figures.must(held == late, f"{held} of {late} late messages are held for a person")
        figures.must(not [address for address in ground.sink.state.recipients if address.startswith("ok-late")], "late mail was sent without being asked for")
        figures.must(figures.recovery <= 60, "due mail left more than 60 s after the restart")
        with unscoped("chaos: a person lets the late mail go") as session:
            release_held(raw_of(session))
        drain(ground, 60)
        figures.notes.append(f"{held} late messages were held, and sent when released")
        count_addresses(ground, figures, sent)
        figures.must(figures.duplicated == 0, "something was sent twice")
    return figures


def _schedule(ground: Place, word: str, number: int, ahead: timedelta) -> list[str]:
    addresses = [f"ok-{word}-{i}@dest.example" for i in range(number)]
    moment = (datetime.now(UTC) + ahead).isoformat()
    connection = http.client.HTTPConnection("127.0.0.1", ground.stack.settings.web_port, timeout=60)
    for start in range(0, number, 100):
        batch = {"emails": [message(address, send_at=moment) for address in addresses[start : start + 100]]}
        status, _, body = post(connection, ground.secrets.token, batch, path="/api/v1/email/send/batch")
        assert status in (200, 202), (status, body)
    connection.close()
    return addresses
