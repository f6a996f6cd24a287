"""Which bounces suppress, when, and for how long."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from tests.fixtures import Cast
from tests.fixtures_post import FULL, GONE, OFF, OUR_DNS, TAKEN, Post, Said, rows
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of, unscoped
from webapp.messages.service.feedback import LateBounce, record_bounce, record_complaint
from webapp.suppressions.service import note_bounces, suppress, tidy
from webapp.suppressions.types import Bounce, SuppressionReason, SuppressionScope
from worker.delivery.replies import POLICY, classify
from worker.delivery.reply_tables import CODES, DECISIVE, GENERAL
from worker.delivery.types import Blame, ReplyClass, Stage

DAY = timedelta(days=1)


def bounce(cast: Cast, said: Said, address: str = "ada@example.net") -> Bounce:
    assert cast.owner.tenant_id is not None
    return Bounce(cast.owner.tenant_id, address, uuid4(), uuid4(), said.reply_class, said.blame, said.suppress, said.reply, "delivery")


def note(cast: Cast, said: Said, times: int = 1) -> int:
    """Note so many bounces, each of a message of its own; how many suppressions that made."""
    changed = 0
    for _ in range(times):
        with unscoped("test") as session:
            changed += note_bounces(session, [bounce(cast, said)])
    return changed


def age(table: str, column: str, by: timedelta) -> None:
    with unscoped("test") as session:
        raw_of(session).execute(f"update {table} set {column} = {column} - %s::interval", (by,))


class TestBlame:
    """Only what is the recipient's trouble ever suppresses, over every reply the tables know."""

    def test_every_class(self, cast: Cast) -> None:
        for reply_class, (blame, _, hopeless) in POLICY.items():
            if blame is not Blame.RECIPIENT:
                assert not hopeless, reply_class
                assert note(cast, Said(reply_class=reply_class.value, blame=blame.value, suppress=True), 10) == 0
        assert rows("select from suppressions") == rows("select from soft_bounces") == []

    def test_every_reply_of_the_tables_at_every_stage(self, cast: Cast) -> None:
        statuses = {status for status, _ in (*DECISIVE, *GENERAL)} | {None}
        codes = {code for _, code in (*DECISIVE, *GENERAL) if code} | set(CODES) | {550, 554, 450, None}
        entries, guilty = [], 0
        for status, code, stage in itertools.product(statuses, codes, Stage):
            verdict = classify(code, status, "no such user here, go away", stage)
            assert not verdict.suppress or verdict.blame is Blame.RECIPIENT, (status, code, stage)
            said = Said(reply_class=verdict.reply_class.value, blame=verdict.blame.value, suppress=verdict.suppress)
            address = f"u{len(entries)}@example.net"
            entries.append(bounce(cast, said, address))
            guilty += verdict.suppress
        with unscoped("test") as session:
            assert note_bounces(session, entries) == guilty > 0

    def test_words_about_us_beat_a_status_that_blames_the_recipient(self) -> None:
        for words in ("blocked using zen.spamhaus.org", "SPF check failed", "your ip 192.0.2.1 is listed"):
            assert not classify(550, "5.1.1", words, Stage.RCPT).suppress

    def test_in_delivery_and_by_mail(self, post: Post) -> None:
        for name, said in (("gone", GONE), ("dns", OUR_DNS), ("off", OFF)):
            post.send(f"{name}@example.net")
            post.answer(said)
        post.send("late@example.net", "late.dns@example.net")
        post.answer(TAKEN)
        ids = dict(rows("select address, id from recipients"))
        with unscoped("test") as session:
            record_bounce(session, LateBounce(ids["late@example.net"], 550, "5.1.1", "no such user", "hard.unknown_user", "recipient", True))
            record_bounce(session, LateBounce(ids["late.dns@example.net"], 550, "5.7.26", "SPF", "policy.auth", "our_domain", False))
        assert post.suppressed() == {"gone@example.net": "hard_bounce", "late@example.net": "hard_bounce"}
        why = rows("select recipient_id, message_id is not null, detail, source from suppressions where address = 'late@example.net'")
        assert why == [(ids["late@example.net"], True, "no such user", "dsn")]


class TestThresholds:
    """Full five times in 14 days, switched off three times in 30: counted once a message, and used up by the suppression."""

    @pytest.mark.parametrize(("said", "limit", "days"), [(FULL, 5, 14), (OFF, 3, 30)])
    def test_the_last_one_counts_and_the_one_before_does_not(self, cast: Cast, said: Said, limit: int, days: int) -> None:
        assert note(cast, said, limit - 1) == 0
        assert note(cast, said) == 1
        assert rows("select reason, expires_at - now() > interval '29 days' from suppressions") == [("soft_bounce", True)]
        assert rows("select from soft_bounces") == []
        assert note(cast, said, limit - 1) == 0

    @pytest.mark.parametrize(("said", "limit", "days"), [(FULL, 5, 14), (OFF, 3, 30)])
    def test_the_window_is_exact(self, cast: Cast, said: Said, limit: int, days: int) -> None:
        note(cast, said, limit - 1)
        age("soft_bounces", "at", timedelta(days=days) - timedelta(minutes=1))
        assert note(cast, said) == 1
        with unscoped("test") as session:
            raw_of(session).execute("delete from suppressions")
        note(cast, said, limit - 1)
        age("soft_bounces", "at", timedelta(days=days))
        assert note(cast, said) == 0

    def test_one_message_counts_once_however_often_it_is_tried(self, cast: Cast) -> None:
        one = bounce(cast, FULL)
        for _ in range(20):
            with unscoped("test") as session:
                assert note_bounces(session, [one, one]) == 0
        assert note(cast, FULL, 4) == 1

    def test_classes_and_addresses_are_counted_apart(self, cast: Cast) -> None:
        with unscoped("test") as session:
            mixed = [bounce(cast, said, f"{name}@example.net") for said, number in ((FULL, 4), (OFF, 2)) for name in ("a", "A", "b")[:1] for _ in range(number)]
            assert note_bounces(session, mixed) == 0
            assert note_bounces(session, [bounce(cast, OFF, "A@example.net")]) == 1

    def test_two_workers_at_once_do_not_both_miss_the_limit(self, cast: Cast) -> None:
        for _ in range(5):
            found: list[int] = []
            gate = threading.Barrier(5)

            def one(found: list[int] = found, gate: threading.Barrier = gate) -> None:
                gate.wait(10)
                with unscoped("test") as session:
                    found.append(note_bounces(session, [bounce(cast, FULL)]))

            workers = [threading.Thread(target=one) for _ in range(5)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            assert sorted(found) == [0, 0, 0, 0, 1]
            with unscoped("test") as session:
                raw_of(session).execute("delete from suppressions")

    def test_deferred_mail_counts_too(self, post: Post) -> None:
        for n in range(5):
            post.send("ada@example.net", subject=f"{n}")
        post.answer(FULL)
        assert post.suppressed() == {"ada@example.net": "soft_bounce"}


class TestTime:
    """Hard bounces end after 180 days with one more try, soft ones are lifted by a success, complaints and unsubscribes by nothing but a person."""

    def test_one_more_try_after_180_days_and_no_end_after_it(self, cast: Cast, post: Post) -> None:
        post.send("ada@example.net")
        post.answer(GONE)
        age("suppressions", "expires_at", 181 * DAY)
        post.send("ada@example.net")
        assert post.answer(GONE) == 1
        assert rows("select strikes, expires_at from suppressions") == [(2, None)]

    def test_a_success_after_the_end_forgets_the_bounce(self, cast: Cast, post: Post) -> None:
        post.send("ada@example.net")
        post.answer(GONE)
        age("suppressions", "expires_at", 181 * DAY)
        post.send("ada@example.net")
        post.answer(TAKEN)
        with unscoped("test") as session:
            assert tidy(raw_of(session)) == 1
        assert rows("select from suppressions") == []

    def test_a_success_lifts_soft_reasons_only(self, cast: Cast, post: Post) -> None:
        reasons = {"soft": SuppressionReason.SOFT_BOUNCE, "hard": SuppressionReason.HARD_BOUNCE, "cpl": SuppressionReason.COMPLAINT}
        post.send(*(f"{name}@example.net" for name in (*reasons, "uns")))
        with unscoped("test") as session:
            assert cast.owner.tenant_id is not None
            for name, reason in reasons.items():
                suppress(session, cast.owner.tenant_id, f"{name}@example.net", SuppressionScope.ALL, reason, "test")
            suppress(session, cast.owner.tenant_id, "uns@example.net", SuppressionScope.BULK, SuppressionReason.UNSUBSCRIBE, "test")
        post.answer(TAKEN)  # was on its way already
        with unscoped("test") as session:
            tidy(raw_of(session))
        assert set(post.suppressed()) == {"hard@example.net", "cpl@example.net", "uns@example.net"}

    def test_what_is_over_is_cleared_away_and_nothing_else(self, cast: Cast) -> None:
        assert cast.owner.tenant_id is not None
        with time_machine.travel(now() - 400 * DAY, tick=True), unscoped("test") as session:
            for reason in (SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.MANUAL):
                suppress(session, cast.owner.tenant_id, f"{reason}@example.net", SuppressionScope.ALL, reason, "test")
        note(cast, FULL)
        age("soft_bounces", "at", 31 * DAY)
        with unscoped("test") as session:
            assert tidy(raw_of(session)) == 3
            assert tidy(raw_of(session)) == 0
        assert sorted(row[0] for row in rows("select reason from suppressions")) == ["complaint", "manual"]

    def test_a_complaint_after_a_bounce_has_no_end(self, post: Post) -> None:
        post.send("ada@example.net")
        post.answer(TAKEN)
        [(recipient,)] = rows("select id from recipients")
        with unscoped("test") as session:
            record_complaint(session, recipient, "abuse", "Yahoo!-Mail-Feedback/2.0")
        assert rows("select reason, expires_at, detail from suppressions") == [("complaint", None, "Reported as abuse by Yahoo!-Mail-Feedback/2.0")]


def test_classes_that_are_counted_are_the_recipients() -> None:
    from webapp.suppressions.service.bounces import SOFT_LIMITS

    assert all(POLICY[ReplyClass(name)][0] is Blame.RECIPIENT for name in SOFT_LIMITS)
