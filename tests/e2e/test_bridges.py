"""Bridges while mail flows: toggles, rotation, deletion in the middle of an SMTP session."""

from __future__ import annotations

import smtplib
import time

import pytest

from tests.e2e.calls import arrived, call, has_pixel, has_tracked_link, letter, login_smtp, make_bridge, message, send, send_over, wait_delivered
from tests.e2e.conftest import Demo
from tests.live import wait_for

#: How long an ended credential may go on working anywhere.
PROMISED_SECONDS = 5.0


def test_toggles_hold_from_the_next_mail_on(demo: Demo) -> None:
    bridge = make_bridge(demo, "toggled", track_opens=True, track_clicks=True)
    token, path = bridge["credentials"]["api"]["token"], f"/api/v1/bridges/{bridge['id']}"
    seen = []
    for opens, clicks in ((True, True), (False, True), (False, False), (True, False)):
        status, changed = call(demo, "PATCH", path, {"track_opens": opens, "track_clicks": clicks})
        assert status == 200, changed
        mail = arrived(demo, send(demo, "delivered", key=token))
        seen.append((has_pixel(demo, mail), has_tracked_link(mail)))
    assert seen == [(True, True), (False, True), (False, False), (True, False)]


def _is_refused_over_smtp(demo: Demo, client: smtplib.SMTP) -> bool:
    try:
        send_over(client, letter(demo, "delivered", "Still open"))
    except (AssertionError, smtplib.SMTPException, OSError):
        return True
    return False


def test_deletion_ends_the_token_and_the_open_session_but_not_the_sibling(demo: Demo) -> None:
    bridge, sibling = make_bridge(demo, "leaver"), make_bridge(demo, "stayer")
    gone, stays = bridge["credentials"], sibling["credentials"]
    send(demo, "delivered", key=gone["api"]["token"])
    with login_smtp(demo, stays["smtp"]) as other:
        client = login_smtp(demo, gone["smtp"])
        send_over(client, letter(demo, "delivered", "Before"))
        assert call(demo, "DELETE", f"/api/v1/bridges/{bridge['id']}")[0] == 200
        deleted = time.monotonic()
        wait_for(
            lambda: call(demo, "POST", "/api/v1/email/send", message(demo, "delivered"), gone["api"]["token"])[0] in (401, 403),
            seconds=PROMISED_SECONDS + 1,
            what="the refusal of the token",
        )
        wait_for(lambda: _is_refused_over_smtp(demo, client), seconds=PROMISED_SECONDS + 1, what="the refusal of the open session")
        assert time.monotonic() - deleted < PROMISED_SECONDS + 1
        client.close()
        with pytest.raises(smtplib.SMTPException):
            login_smtp(demo, gone["smtp"])
        wait_delivered(demo, send_over(other, letter(demo, "delivered", "Sibling")))
    wait_delivered(demo, send(demo, "delivered", key=stays["api"]["token"]))


def test_rotation_leaves_both_secrets_valid_for_the_overlap(demo: Demo) -> None:
    bridge = make_bridge(demo, "rotated")
    old = bridge["credentials"]
    status, body = call(demo, "POST", f"/api/v1/bridges/{bridge['id']}/rotate", {"overlap_days": 1})
    assert status == 200, body
    new = body["data"]["credentials"]
    assert new["smtp"]["password"] != old["smtp"]["password"]
    for known in (old, new):
        send(demo, "delivered", key=known["api"]["token"])
        with login_smtp(demo, known["smtp"]) as client:
            send_over(client, letter(demo, "delivered"))
    shown = call(demo, "GET", f"/api/v1/bridges/{bridge['id']}/credentials")[1]["data"]["credentials"]
    assert [(one["number"], one["in_use"]) for one in shown] == [(new["number"], True), (old["number"], True)]
    assert shown[0]["expires_at"] is None and shown[1]["expires_at"]
    assert call(demo, "POST", f"/api/v1/bridges/{bridge['id']}/rotate", {"overlap_days": 0})[0] == 200
    wait_for(
        lambda: call(demo, "POST", "/api/v1/email/send", message(demo, "delivered"), new["api"]["token"])[0] == 401,
        seconds=PROMISED_SECONDS + 1,
        what="the end of the replaced token",
    )


def test_a_paused_bridge_takes_no_mail_until_it_is_resumed(demo: Demo) -> None:
    bridge = make_bridge(demo, "paused")
    token = bridge["credentials"]["api"]["token"]
    assert call(demo, "POST", f"/api/v1/bridges/{bridge['id']}/pause", {"reason": "audit"})[0] == 200
    wait_for(lambda: call(demo, "POST", "/api/v1/email/send", message(demo, "delivered"), token)[0] == 409, seconds=6, what="the pause")
    assert call(demo, "POST", f"/api/v1/bridges/{bridge['id']}/resume")[0] == 200
    wait_for(lambda: call(demo, "POST", "/api/v1/email/send", message(demo, "delivered"), token)[0] == 202, seconds=6, what="the end of the pause")


def test_figures_of_a_bridge_are_its_own_and_exact(demo: Demo) -> None:
    bridge, sibling = make_bridge(demo, "counted"), make_bridge(demo, "uncounted")
    token = bridge["credentials"]["api"]["token"]
    for name in ("delivered", "delivered", "bounce+counted"):
        send(demo, name, key=token)

    def totals() -> tuple[int, int, int]:
        found = call(demo, "GET", f"/api/v1/bridges/{bridge['id']}/stats")[1]["data"]["totals"]
        return found["sent"], found["delivered"], found["bounced"]

    wait_for(lambda: totals() == (3, 2, 1), seconds=30, what="the figures")
    assert call(demo, "GET", f"/api/v1/bridges/{sibling['id']}/stats")[1]["data"]["totals"]["sent"] == 0
