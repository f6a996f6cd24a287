"""Bounces that were our fault are undone: exactly once, exactly those, with figures that stay right."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.fixtures_post import FULL, GONE, OUR_DNS, TAKEN, Post, Said, make_post, rows
from webapp.incidents import queries, service
from webapp.incidents.models import Incident
from webapp.incidents.types import BounceFilter, IncidentStatus
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.errors import Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.messages.service.feedback import LateBounce, record_bounce, record_complaint
from webapp.messages.types import RecipientState
from webapp.stats.service import fold_deltas
from webapp.suppressions import service as suppressions
from worker.jobs import suppressions as jobs

NOTE = "our DNS was broken"


def lately(**more: object) -> BounceFilter:
    """What bounced within the last hour."""
    return BounceFilter(now() - timedelta(hours=1), now() + timedelta(minutes=1), **more)  # type: ignore[arg-type]


def undo(post: Post, wanted: BounceFilter | None = None, key: str = "once") -> Incident:
    with post.person.scope() as scope:
        return service.undo(scope, key, wanted or lately(), NOTE)


def test_addresses_are_freed_and_mail_waits_again(post: Post) -> None:
    post.send("ada@example.net", "ben@example.net")
    post.answer(GONE)
    assert post.suppressed() == {"ada@example.net": "hard_bounce", "ben@example.net": "hard_bounce"}
    assert post.figures() == {"accepted": 2, "sent": 2, "delivered": 0, "bounced": 2, "hard_bounced": 2}

    done = undo(post)
    assert (done.status, done.recipients, done.requeued, done.lifted, done.kept) == (IncidentStatus.DONE, 2, 2, 2, {})
    assert post.suppressed() == {}
    assert post.states() == {"ada@example.net": "queued", "ben@example.net": "queued"}
    assert post.figures() == {"accepted": 2, "sent": 2, "delivered": 0, "bounced": 0, "hard_bounced": 0}

    assert post.answer(TAKEN) == 2
    assert post.figures() == {"accepted": 2, "sent": 2, "delivered": 2, "bounced": 0, "hard_bounced": 0}
    events = [row[0] for row in rows("select type from events where recipient_id = (select min(id::text)::uuid from recipients) order by id")]
    assert events == ["email.queued", "email.bounced", "email.bounce_lifted", "email.delivered"]


def test_a_second_click_does_nothing_more(post: Post) -> None:
    post.send("ada@example.net")
    post.answer(GONE)
    first = undo(post)
    post.answer(GONE)
    again = undo(post)
    assert again.id == first.id and again.requeued == 1
    assert post.states() == {"ada@example.net": "bounced"}
    assert undo(post, key="another").requeued == 1


def test_two_clicks_at_once_are_one(post: Post) -> None:
    post.send(*(f"u{n}@example.net" for n in range(20)))
    post.answer(GONE)
    found: list[int] = []
    clicks = [threading.Thread(target=lambda key=key: found.append(undo(post, key=key).recipients)) for key in ("a", "a", "b", "c")]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(found) == 4
    assert rows("select count(*), sum(requeued) from incidents") == [(3, 20)]
    assert rows("select count(*) from queue_entries") == [(20,)]
    assert post.figures()["bounced"] == 0


@pytest.mark.parametrize(("wanted", "count"), [
    ({"reply_class": "policy.auth"}, 1), ({"text": "NO SUCH"}, 1), ({"provider": "google.com"}, 1), ({"provider": "example.net"}, 2),
    ({"provider": "oogle.com"}, 0), ({"text": "never said"}, 0), ({}, 3),
])  # fmt: skip
def test_filters_choose(post: Post, wanted: dict[str, str], count: int) -> None:
    for address, said in (
        ("ada@example.net", GONE), ("ben@example.net", OUR_DNS),
        ("cay@example.org", Said(reply="452 4.2.2 full", reply_class="soft.mailbox_full", suppress=False, host="gmail-smtp-in.l.google.com")),
    ):  # fmt: skip
        post.send(address)
        post.answer(said)
    with post.person.scope() as scope:
        looked = service.look(scope, lately(**wanted))
        assert (looked.recipients, len(looked.samples)) == (count, count)
        assert service.undo(scope, "x", lately(**wanted), NOTE).recipients == count


def test_a_time_range_is_exact(post: Post) -> None:
    post.send("ada@example.net")
    post.answer(GONE)
    [(at,)] = rows("select bounced_at from recipients")
    second = timedelta(seconds=1)
    for since, until, count in ((at - second, at, 0), (at + second, at + 2 * second, 0), (at - second, at + second, 1)):
        with post.person.scope() as scope:
            assert service.look(scope, BounceFilter(since, until)).recipients == count


def test_mail_of_no_more_use_stays_bounced_but_its_address_is_freed(post: Post) -> None:
    for name in ("expired", "content", "reached"):
        post.send(f"{name}@example.net", subject=name)
    post.answer(GONE)
    with unscoped("test") as session:
        raw_of(session).execute("update messages set expires_at = now() where subject = 'expired'")
        raw_of(session).execute("delete from message_contents where id = (select id from messages where subject = 'content')")
        raw_of(session).execute("delete from suppressions where address = 'reached@example.net'")
    post.send("reached@example.net", subject="reached")
    post.answer(TAKEN)
    with post.person.scope() as scope:
        looked = service.look(scope, lately())
    done = undo(post)
    assert looked.kept == done.kept == {"expired": 1, "content_gone": 1, "reached_since": 1}
    assert (looked.recipients, looked.requeued, looked.suppressions) == (done.recipients, done.requeued, done.lifted) == (3, 0, 2)
    assert post.suppressed() == {}
    assert post.figures()["bounced"] == 3


def test_what_people_asked_for_is_never_lifted(cast: Cast, post: Post) -> None:
    for name in ("complained", "unsubscribed", "added"):
        post.send(f"{name}@example.net")
    post.answer(GONE)
    ids = dict(rows("select address, id from recipients"))
    with unscoped("test") as session:
        assert record_complaint(session, ids["complained@example.net"], "abuse", None)
    with cast.owner.scope() as scope:
        suppressions.add(scope, "added@example.net")
    done = undo(post)
    assert done.kept == {"suppressed": 2}
    assert post.suppressed() == {"complained@example.net": "complaint", "added@example.net": "manual"}
    assert post.states()["complained@example.net"] == "bounced"


def test_a_bounce_that_came_by_mail_takes_its_delivery_back_too(post: Post) -> None:
    post.send("ada@example.net")
    post.answer(TAKEN)
    [(recipient,)] = rows("select id from recipients")
    with unscoped("test") as session:
        record_bounce(session, LateBounce(recipient, 550, "5.1.1", "550 5.1.1 no such user", "hard.unknown_user", "recipient", True))
    assert post.figures() == {"accepted": 1, "sent": 1, "delivered": 1, "bounced": 1, "hard_bounced": 1}
    assert undo(post).requeued == 1
    assert post.figures() == {"accepted": 1, "sent": 1, "delivered": 0, "bounced": 0, "hard_bounced": 0}
    post.answer(TAKEN)
    assert post.figures() == {"accepted": 1, "sent": 1, "delivered": 1, "bounced": 0, "hard_bounced": 0}


def test_every_hour_pool_and_member_forgets_its_own_bounces(post: Post) -> None:
    """The bounce is taken out of the row that counted it, folded or not."""
    member = uuid4()
    post.send("ada@example.net", "ben@example.net")
    post.answer(Said(member_id=member))
    with unscoped("test") as session:
        while fold_deltas(raw_of(session)):
            pass
    undo(post)
    with unscoped("test") as session:
        while fold_deltas(raw_of(session)):
            pass
    assert rows("select member_id, sum(bounced), sum(sent) from stats_hours group by 1 order by 2, 3 desc") == [
        (member, 0, 2), (uuid4().__class__(int=0), 0, 0),
    ]  # fmt: skip


def test_counts_towards_a_suppression_are_taken_back(post: Post) -> None:
    for n in range(4):
        post.send("ada@example.net", subject=f"{n}")
    post.answer(FULL)
    undo(post)
    assert rows("select count(*) from soft_bounces") == [(0,)]


def test_big_incidents_go_on_where_they_stopped(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.send(*(f"u{n}@example.net" for n in range(25)))
    post.answer(GONE)
    original = service.advance
    monkeypatch.setattr(service, "advance", lambda scope, incident, batch=10: original(scope, incident, 10))
    monkeypatch.setattr(jobs, "advance", lambda scope, incident, batch=10: original(scope, incident, 10))
    begun = undo(post)
    assert (begun.status, begun.requeued) == (IncidentStatus.RUNNING, 10)
    jobs.undo(0)
    assert rows("select status, recipients, requeued, lifted from incidents") == [("done", 25, 25, 25)]
    assert rows("select count(*) from queue_entries") == [(25,)]
    assert [row[0] for row in rows("select action from activity_entries where action like 'incident.%' order by id")] == ["incident.started", "incident.undone"]


def test_the_operator_undoes_everybodys_and_each_tenant_reads_of_its_own(cast: Cast, post: Post, pool_id: object) -> None:
    other = make_post(cast.stranger, pool_id, "other.test")  # type: ignore[arg-type]
    for each in (post, other):
        each.send("ada@example.net")
    post.answer(GONE)
    staff = Actor(ActorKind.STAFF, cast.staff.user_id, cast.staff.name)
    with unscoped("test") as session:
        looked = queries.preview(session, lately(), None)
        made = service.undo_everywhere(session, "k", lately(), NOTE, staff)
        assert [row.id for row in service.undo_everywhere(session, "k", lately(), NOTE, staff)] == [row.id for row in made]
    assert (looked.tenants, looked.recipients, len(made)) == (2, 2, 2)
    jobs.undo(0)
    for each in (post, other):
        assert each.states() == {"ada@example.net": "queued"} and each.suppressed() == {}
        with each.person.scope() as scope:
            assert [(row.requeued, row.actor_name) for row in queries.list_incidents(scope.session).items] == [(1, cast.staff.name)]


def test_the_stranger_undoes_nothing_of_the_owner(cast: Cast, post: Post) -> None:
    post.send("ada@example.net")
    post.answer(GONE)
    done = undo(post, key="mine")
    post.answer(GONE)
    with cast.stranger.scope() as scope:
        assert service.look(scope, lately()).recipients == 0
        assert service.undo(scope, "mine", lately(), NOTE).id != done.id
        with pytest.raises(NotFound):
            queries.get_incident(scope, done.id)
        with pytest.raises(NotFound):
            service.look(scope, lately(bridge_id=post.bridge_id))
    assert post.states() == {"ada@example.net": "bounced"}


def test_it_takes_the_right_to_send_and_to_free_addresses(cast: Cast, post: Post) -> None:
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope, pytest.raises(Forbidden):
        service.undo(scope, "x", lately(), NOTE)
    with cast.owner.scope() as scope:
        for wanted, note in ((lately(), "no"), (BounceFilter(now(), now() - timedelta(1)), NOTE), (BounceFilter(now() - timedelta(40), now()), NOTE)):
            with pytest.raises(ValidationFailed):
                service.undo(scope, "x", wanted, note)


def test_sandbox_keys_reach_no_live_mail(cast: Cast, app: Flask) -> None:
    body = {"since": rfc3339(now() - timedelta(hours=1)), "until": rfc3339(now()), "note": NOTE}
    assert cast.owner.api(app, Mode.SANDBOX).post("/api/v1/incidents", json=body).status_code == 403


def test_over_the_api_and_on_the_pages(cast: Cast, app: Flask, post: Post) -> None:
    post.send("ada@example.net", subject="<script>alert(1)</script>")
    post.answer(Said(reply="550 5.1.1 <img src=x onerror=alert(1)>"))
    hours = {"since": rfc3339(now() - timedelta(hours=1)), "until": rfc3339(now() + timedelta(minutes=1))}
    api, browser = cast.owner.api(app), cast.owner.browser(app)
    looked = api.post("/api/v1/incidents/preview", json=hours).get_json()["data"]
    assert (looked["recipients"], looked["requeued"], looked["samples"][0]["email"]) == (1, 1, "ada@example.net")
    page = browser.post("/incidents/preview", data={name: value[:16] for name, value in hours.items()}).get_data(as_text=True)
    assert "Undo 1 bounce" in page and "<img src=x" not in page and "<script>alert" not in page
    assert browser.post("/incidents/preview", data={"since": "never", "until": hours["until"]}).status_code == 422
    assert api.post("/api/v1/incidents", json=hours).get_json()["error"]["param"] == "note"
    done = api.post("/api/v1/incidents", json={**hours, "note": NOTE, "key": "k"}).get_json()["data"]
    assert (done["requeued"], done["suppressions_lifted"], done["status"]) == (1, 1, "done")
    assert api.post("/api/v1/incidents", json={**hours, "note": NOTE, "key": "k"}).get_json()["data"]["id"] == done["id"]
    assert NOTE in browser.get(f"/incidents/{done['id']}").get_data(as_text=True)
    assert NOTE in browser.get("/incidents/?q=DNS", htmx=True).get_data(as_text=True)
    assert NOTE not in browser.get("/incidents/?q=nothing").get_data(as_text=True)
    assert NOTE in browser.get("/incidents/export.csv").get_data(as_text=True)
    assert [row["id"] for row in api.get("/api/v1/incidents?search=dns&limit=1").get_json()["data"]] == [done["id"]]
    message = rows("select message_id from recipients")[0][0]
    assert "our fault" in browser.get(f"/messages/{message}").get_data(as_text=True)


def test_staff_pages_are_for_staff(cast: Cast, app: Flask, post: Post) -> None:
    post.send("ada@example.net")
    post.answer(GONE)
    hours = {"since": rfc3339(now() - timedelta(hours=1)), "until": rfc3339(now() + timedelta(minutes=1))}
    for person, status in ((cast.owner, 403), (cast.staff, 200)):
        browser = person.browser(app)
        assert browser.get("/incidents/platform").status_code == status
        assert browser.post("/incidents/platform/preview", data=hours).status_code == status
    assert browser.post("/incidents/platform", data={**hours, "note": NOTE, "key": "k"}).status_code == 303
    jobs.undo(0)
    assert post.states() == {"ada@example.net": RecipientState.QUEUED}
