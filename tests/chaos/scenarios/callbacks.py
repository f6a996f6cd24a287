"""Webhook endpoints that misbehave: F16. Each gets the same events as a healthy one, at a scaled schedule, with the workers killed in between."""

from __future__ import annotations

import contextlib
import itertools
import os
import ssl
import time
from collections import defaultdict
from collections.abc import Iterator

from tests.chaos.ledger import Figures, wait_until
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run
from tests.webhooks_out import receiver as endpoints
from tests.webhooks_out.conftest import happen
from tests.webhooks_out.receiver import Call, Receiver, receiving, says
from webapp.settings import get_settings
from webapp.stack.certificates import ensure_certificate
from webapp.webhooks.service import EndpointInput, create_endpoint, policy

_EXTRA = {"POSTBRIDGE_EGRESS_ALLOW": "127.0.0.0/8", "POSTBRIDGE_RETRY_SCALE": "0.001", "POSTBRIDGE_WEBHOOK_TIMEOUT_SECONDS": "2"}
_BAD = {
    "hangs": endpoints.hangs, "500": says(500), "301": says(301, Location="http://127.0.0.1:9/"), "closes": endpoints.closes,
    "2 GB": endpoints.floods, "1 byte/s": endpoints.drips,
}  # fmt: skip
_STATES = "select d.state, count(*) from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id where e.description = %s group by 1"


def bad_endpoints(run: Run) -> Figures:
    """F16: the healthy endpoint gets everything in time; attempts end; ids stay; 410 switches off and a letter goes out; nothing is lost by kill -9."""
    figures = Figures("F16", "webhook endpoints that hang, fail, flood, drip, lie or are gone")
    count = run.pick(500, 100)
    with place(run.engines, "chaos_f16", run.var, _EXTRA) as ground, contextlib.ExitStack() as rest:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*ensure_certificate(run.var / "elsewhere", "elsewhere.example"))
        made = {name: rest.enter_context(receiving(answer)) for name, answer in _BAD.items()}
        made |= {"410": rest.enter_context(receiving(says(410))), "healthy": rest.enter_context(receiving())}
        made["wrong name"] = rest.enter_context(receiving(tls=context))
        rest.enter_context(_opened())
        for name, receiver in made.items():
            with ground.person.scope() as scope:
                create_endpoint(scope, EndpointInput(receiver.url, name, ["email.opened"]))
        began = time.monotonic()
        events = {str(event) for event in happen(ground.person, "email.opened", count=count // 2)}
        wait_until(lambda: len(made["healthy"].calls) > count // 8, 30)
        ground.stack.kill("webhooks")
        ground.flush_broker()
        events |= {str(event) for event in happen(ground.person, "email.opened", count=count - count // 2)}
        wait_until(lambda: _ids(made["healthy"]) >= events, 60)
        figures.recovery = time.monotonic() - began
        _judge(ground, figures, made, events)
    return figures


@contextlib.contextmanager
def _opened() -> Iterator[None]:
    """This process may save endpoints on loopback, as the running ones may call them."""
    os.environ["POSTBRIDGE_EGRESS_ALLOW"] = _EXTRA["POSTBRIDGE_EGRESS_ALLOW"]
    get_settings.cache_clear()
    try:
        yield
    finally:
        del os.environ["POSTBRIDGE_EGRESS_ALLOW"]
        get_settings.cache_clear()


def _ids(receiver: Receiver) -> set[str]:
    return {call.headers["webhook-id"] for call in list(receiver.calls)}


def _judge(ground: Place, figures: Figures, made: dict[str, Receiver], events: set[str]) -> None:
    figures.must(_ids(made["healthy"]) == events, f"the healthy endpoint got {len(_ids(made['healthy']))} of {len(events)} events")
    figures.must(figures.recovery <= 60, "the healthy endpoint waited for the bad ones")
    figures.must(wait_until(lambda: _gone(ground), 30), "410 did not switch the endpoint off")
    told = "select count(*) from webhook_notices where kind = 'disabled' and mailed_at is not null"
    figures.must(wait_until(lambda: ground.one(told) >= 1, 40), "the owner was not written to")
    figures.must(not made["wrong name"].calls, "a request went over TLS of another name")
    for name in (*_BAD, "wrong name"):
        states = dict(ground.rows(_STATES, name))
        figures.must(not states.get("delivered"), f"{name}: {states.get('delivered')} count as delivered")
        figures.must(sum(states.values()) == len(events), f"{name}: {sum(states.values())} deliveries instead of {len(events)}")
    figures.must(not _early(made["500"].calls), "an attempt came before its time")
    longest = "select coalesce(max((a ->> 'duration_ms')::int), 0) from webhook_deliveries d, jsonb_array_elements(d.log) a"
    figures.must(ground.one(longest) < 5000, f"an attempt took {ground.one(longest)} ms")
    figures.notes.append(f"{len(made['healthy'].calls)} calls for {len(events)} events, longest attempt {ground.one(longest)} ms")


def _gone(ground: Place) -> bool:
    return bool(ground.one("select state = 'disabled' from webhook_endpoints where description = '410'"))


def _early(calls: list[Call]) -> bool:
    """Whether any attempt came sooner after the one before than the scaled schedule allows."""
    times: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        times[call.headers["webhook-id"]].append(call.at)
    gaps = (
        (later - earlier, policy.SCHEDULE[number] * 0.001)
        for moments in times.values() for number, (earlier, later) in enumerate(itertools.pairwise(moments)) if number < len(policy.SCHEDULE)
    )  # fmt: skip
    return any(gap < least * 0.9 - 0.02 for gap, least in gaps)
