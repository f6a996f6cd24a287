"""F52: bridges that go wrong, one by its bounces, one by its complaints, one by a spike, beside one that does not. Each trips alone, and loses nothing."""

from __future__ import annotations

import http.client
import json
import time
from uuid import UUID

from tests.chaos.ledger import Figures, drain, wait_until
from tests.chaos.place import DOMAIN, Place, place
from tests.chaos.scenarios import Run
from tests.sinks import SinkOptions
from webapp.bridges.service import BridgeInput, create_bridge, resume_bridge
from webapp.kernel.addresses import parse_address
from webapp.kernel.errors import Conflict
from webapp.messages.service import accept, forget_facts
from webapp.messages.types import Door, MessageSubmission, RecipientInput

_SECRET = "a long secret of the chaos run"
#: The guard with its own limits again, and a lower volume for a spike, so that a quick run has one.
_GUARD = {"POSTBRIDGE_GUARD_MINIMUM_SENT": "200", "POSTBRIDGE_GUARD_SPIKE_MINIMUM": "200", "POSTBRIDGE_POSTFIX_WEBHOOK_SECRET": _SECRET}
_LIMIT_SECONDS = 60.0

_PAST = """
insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted)
select tenant_id, date_trunc('hour', now(), 'UTC') - make_interval(hours => h), 'live', id, '00000000-0000-0000-0000-000000000000',
  '00000000-0000-0000-0000-000000000000', 30 from bridges, generate_series(1, 200) h where id = %s
"""
_FAULTY = "select count(*) from recipients r join messages m on m.id = r.message_id where m.bridge_id = %s and r.state in ('failed', 'cancelled')"


def guarded(run: Run) -> Figures:
    """F52. Measure: the longest time from the passing of a limit to the pause."""
    figures = Figures("F52", "bounces, complaints and a spike each pause one bridge")
    with place(run.engines, "chaos_f52", run.var, _GUARD, sink=SinkOptions(latency=0.2)) as ground:  # slow enough that much still waits when the guard looks
        calm = _bridge(ground, "calm")
        waits = [_bounces(ground, figures, run.pick(2_000, 1_000)), _complaints(ground, figures, 600), _spike(ground, figures)]
        figures.recovery = max(waits)
        figures.must(figures.recovery <= _LIMIT_SECONDS, f"paused only after {figures.recovery:.0f} s")
        figures.notes.append(f"paused after {', '.join(f'{name} {wait:.1f} s' for name, wait in zip(('bounces', 'complaints', 'spike'), waits, strict=True))}")
        _send(ground, calm, [f"ok-calm-{n}@dest.example" for n in range(50)])
        _letters(ground, figures)
        _go_on(ground, figures)
    return figures


def _bridge(ground: Place, name: str) -> UUID:
    with ground.person.scope() as scope:
        return create_bridge(scope, BridgeInput(name))[0].id


def _send(ground: Place, bridge: UUID, to: list[str]) -> None:
    forget_facts()
    with ground.person.scope() as scope:
        recipients = tuple(RecipientInput(parse_address(address)) for address in to)
        accept(scope, MessageSubmission(parse_address(f"a@{DOMAIN}"), recipients, "Hi", Door.API, text="Hello", bridge_id=bridge))


def _until_paused(ground: Place, figures: Figures, bridge: UUID, began: float) -> float:
    """Seconds until the bridge is paused, and takes nothing new."""
    paused = wait_until(lambda: ground.one("select paused_at is not null from bridges where id = %s", bridge), _LIMIT_SECONDS + 30)
    figures.must(paused, "a bridge was never paused")
    seconds = time.monotonic() - began
    try:
        _send(ground, bridge, ["ok-late@dest.example"])
        figures.faults.append("a paused bridge took mail")
    except Conflict:
        pass
    return seconds


def _bounces(ground: Place, figures: Figures, number: int) -> float:
    """Every eighth recipient does not exist: 12.5 %."""
    bridge = _bridge(ground, "bounces")
    for part in range(0, number, 250):
        _send(ground, bridge, [f"{'r550' if n % 8 == 0 else 'ok'}-list-{n}@dest.example" for n in range(part, part + 250)])
    wait_until(lambda: ground.one("select count(*) from delivery_attempts") >= 200, 60)
    seconds = _until_paused(ground, figures, bridge, time.monotonic())
    wait_until(lambda: not ground.one("select count(*) from queue_entries where held is null"), 60)
    held = ground.one("select count(*) from queue_entries where bridge_id = %s and held is not null", bridge)
    final = ground.one("select count(*) from recipients where bridge_id = %s and state in ('delivered', 'bounced')", bridge)
    figures.must(held, "nothing was left to be held: the run says little")
    figures.must(held + final == number, f"{held} held and {final} final of {number}")
    figures.must(not ground.one(_FAULTY, bridge), "mail was dropped")
    figures.notes.append(f"bounces: {final} of {number} had left at the pause, {held} are held")
    return seconds


def _complaints(ground: Place, figures: Figures, number: int) -> float:
    """More than half a per cent of those who got it complain, through the door for reports."""
    bridge = _bridge(ground, "complaints")
    _send(ground, bridge, [f"ok-letter-{n}@dest.example" for n in range(number)])
    wait_until(lambda: ground.one("select count(*) from recipients where bridge_id = %s and state = 'delivered'", bridge) == number, 90)
    header = ground.one("select message_id_header from messages where bridge_id = %s", bridge)
    connection = http.client.HTTPConnection("127.0.0.1", ground.stack.settings.web_port, timeout=30)
    for n in range(number // 150):
        body = {"event": "complaint", "recipient": f"ok-letter-{n}@dest.example", "message_id": header, "reason": "spam"}
        connection.request("POST", "/api/v1/webhooks/postfix", json.dumps(body), {"X-Webhook-Secret": _SECRET, "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        figures.must(answer.status == 200, f"a complaint was answered {answer.status}")
    connection.close()
    return _until_paused(ground, figures, bridge, time.monotonic())


def _spike(ground: Place, figures: Figures) -> float:
    """Thirty an hour for eight days, and then twelve times that."""
    bridge = _bridge(ground, "spike")
    ground.change(_PAST, bridge)
    _send(ground, bridge, [f"ok-spike-{n}@dest.example" for n in range(360)])
    return _until_paused(ground, figures, bridge, time.monotonic())


def _letters(ground: Place, figures: Figures) -> None:
    """The owner gets one letter for each bridge that was paused."""
    wanted = {"bounces is paused", "complaints is paused", "spike is paused"}
    told = (
        "select m.subject from messages m join recipients r on r.message_id = m.id "
        "where m.tags = array['bridge-alarm'] and r.address = %s and r.state = 'delivered'"
    )
    wait_until(lambda: wanted <= {row[0] for row in ground.rows(told, ground.person.email)}, 40)
    got = {row[0] for row in ground.rows(told, ground.person.email)}
    figures.must(wanted <= got, f"the owner was told {got}")


def _go_on(ground: Place, figures: Figures) -> None:
    """A person resumes: what was held leaves, each once."""
    with ground.person.scope() as scope:
        for name in ("bounces", "complaints", "spike"):
            resume_bridge(scope, ground.one("select id from bridges where name = %s", name), "The list was cleaned.")
    drain(ground, 120)
    good = [row[0] for row in ground.rows("select address from recipients where address like 'ok-%%'")]
    copies = ground.sink.state.recipients
    figures.accepted, figures.delivered = len(good), sum(copies[address] > 0 for address in good)
    figures.lost = sum(copies[address] == 0 for address in good)
    figures.duplicated = sum(max(0, copies[address] - 1) for address in good)
    figures.stuck = int(ground.one("select count(*) from queue_entries"))
    left = dict(ground.rows("select state, count(*) from recipients where address like 'ok-%%' group by 1"))
    figures.must(set(left) == {"delivered"}, f"states at the end: {left}")
