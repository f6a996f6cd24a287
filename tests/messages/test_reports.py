"""Bounces, complaints and automatic replies: each pitfall of the field is a file in tests/eml."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.messages.reports import Action, AutoReply, BounceReport, ComplaintReport, Evidence, parse_report
from webapp.messages.reports.status import find_status

EML = Path(__file__).parents[1] / "eml"


def bounces(name: str) -> list[BounceReport]:
    reports = parse_report((EML / name).read_bytes())
    assert all(isinstance(report, BounceReport) for report in reports)
    return [report for report in reports if isinstance(report, BounceReport)]


def complaint(name: str) -> ComplaintReport:
    (report,) = parse_report((EML / name).read_bytes())
    assert isinstance(report, ComplaintReport)
    return report


@pytest.mark.parametrize("name", ["dsn-postfix-unknown-user.eml", "dsn-crlf.eml", "dsn-cr-only.eml"])
def test_failed(name: str) -> None:
    (report,) = bounces(name)
    assert report.is_bounce
    assert (report.recipient, report.status, report.evidence) == ("ann@example.net", "5.1.1", Evidence.DSN)
    assert report.original.message_id == "<019a.order@example.test>"
    assert report.original.subject == "Your order ✓"


def test_all_fields() -> None:
    (report,) = bounces("dsn-postfix-unknown-user.eml")
    assert report.diagnostic == "550 5.1.1 <ann@example.net>: Recipient address rejected: User unknown in virtual mailbox table"
    assert (report.code, report.remote_mta, report.reporting_mta) == (550, "mail.example.net", "mx.example.net")
    assert report.original_recipient == "ann@example.net"


def test_delay_is_no_bounce() -> None:
    (report,) = bounces("dsn-delayed.eml")
    assert report.action is Action.DELAYED and not report.is_bounce
    assert report.original.message_id == "<019a.order@example.test>"


def test_failed_with_a_temporary_status_is_a_bounce() -> None:
    (report,) = bounces("dsn-failed-after-expiry.eml")
    assert report.is_bounce and report.status == "4.4.7" and report.code == 452


def test_status_from_a_folded_diagnostic_in_two_languages() -> None:
    (report,) = bounces("dsn-status-only-in-diagnostic.eml")
    assert report.is_bounce and report.status == "5.1.1" and report.code == 550


def test_two_and_four_number_statuses_are_none() -> None:
    (report,) = bounces("dsn-strange-status.eml")
    assert report.is_bounce and report.status is None and report.code == 550


def test_each_recipient_has_its_own_fate() -> None:
    reports = bounces("dsn-several-recipients.eml")
    assert [(r.recipient, r.action, r.is_bounce) for r in reports] == [
        ("one@example.net", Action.FAILED, True),
        ("two@example.net", Action.DELAYED, False),
        ("three@example.net", Action.DELIVERED, False),
        ("four@example.net", Action.RELAYED, False),
        ("five@example.net", Action.FAILED, True),
    ]


def test_forwarded_recipient_and_xtext() -> None:
    (report,) = bounces("dsn-forwarded-xtext.eml")
    assert report.original_recipient == "ann+tag=x@example.net"
    assert report.recipient == "ann.private+2Bx@elsewhere.example", "only original recipients are xtext"
    assert report.status == "5.7.1"


def test_internationalised_report_in_base64() -> None:
    (report,) = bounces("dsn-global.eml")
    assert (report.recipient, report.status) == ("jörg@example.net", "5.1.1")
    assert report.original.message_id == "<019a.order@example.test>"


def test_report_without_action_and_original() -> None:
    (report,) = bounces("dsn-without-original.eml")
    assert report.is_bounce and report.status == "5.2.1" and report.original.headers == ()


@pytest.mark.parametrize(
    ("name", "recipient", "status", "is_bounce"),
    [
        ("bounce-qmail.eml", "ann@example.net", "5.1.1", True),
        ("bounce-exim.eml", "ann@example.net", "5.2.2", True),
        ("bounce-exchange.eml", "ann@example.net", "5.1.1", True),
        ("bounce-german-no-address.eml", None, None, True),
        ("dsn-broken-mime.eml", "ann@example.net", "5.1.1", True),
        ("warning-delayed-text.eml", "ann@example.net", None, False),
    ],
)
def test_free_text(name: str, recipient: str | None, status: str | None, is_bounce: bool) -> None:
    reports = bounces(name)
    (report,) = reports
    assert (report.recipient, report.status, report.is_bounce) == (recipient, status, is_bounce)
    assert report.evidence is Evidence.TEXT


@pytest.mark.parametrize("name", ["dsn-relayed.eml", "dsn-delivered.eml"])
def test_successes_are_no_bounces(name: str) -> None:
    (report,) = bounces(name)
    assert report.action in (Action.RELAYED, Action.DELIVERED) and not report.is_bounce


def test_report_wrapped_by_a_gateway() -> None:
    (report,) = bounces("dsn-wrapped.eml")
    assert (report.recipient, report.status, report.original.message_id) == ("ann@example.net", "5.1.1", "<019a.order@example.test>")


def test_recipients_without_a_blank_line_between_them() -> None:
    assert [(r.recipient, r.status) for r in bounces("dsn-no-blank-lines.eml")] == [("ann@example.net", "5.1.1"), ("bob@example.net", "5.2.2")]


def test_reason_only_in_the_words_for_people() -> None:
    (report,) = bounces("dsn-reason-in-the-text.eml")
    assert report.is_bounce and "over quota" in report.diagnostic and report.evidence is Evidence.DSN


def test_forwarded_by_an_alias_in_free_text() -> None:
    (report,) = bounces("bounce-alias.eml")
    assert (report.recipient, report.original_recipient, report.status) == ("ann.private@elsewhere.example", "ann@example.net", "5.1.1")


def test_a_version_number_in_the_subject_is_no_status() -> None:
    (report,) = bounces("bounce-html-only.eml")
    assert (report.recipient, report.status, report.is_bounce) == ("ann@example.net", None, True)


def test_addresses_of_the_returned_message_are_not_the_failed_one() -> None:
    (report,) = bounces("bounce-gateway.eml")
    assert (report.recipient, report.code, report.status) == ("ann@example.net", 553, "5.3.0")


def test_a_warning_about_a_full_box() -> None:
    (report,) = bounces("warning-full-box.eml")
    assert report.action is Action.DELAYED and report.recipient == "ann@example.net"


def test_receipts_are_replies_and_machine_rejections_are_bounces() -> None:
    (receipt,) = parse_report((EML / "mdn-displayed.eml").read_bytes())
    assert isinstance(receipt, AutoReply)
    (report,) = bounces("mdn-rejected.eml")
    assert report.is_bounce and report.recipient == "ann@example.net" and "Quota exceeded" in report.diagnostic


def test_a_zip_of_reports_is_ordinary_mail() -> None:
    assert parse_report((EML / "arf-zip.eml").read_bytes()) == []


def test_complaint_in_a_multipart_mixed() -> None:
    report = complaint("arf-ses.eml")
    assert report.is_complaint and report.mail_from == "b4token@bounces.postbridge.test"


@pytest.mark.parametrize("name", ["auto-reply-vacation.eml", "auto-reply-no-header.eml"])
def test_auto_replies(name: str) -> None:
    (report,) = parse_report((EML / name).read_bytes())
    assert isinstance(report, AutoReply)


def test_a_person_writing_about_bounces_is_no_bounce() -> None:
    assert parse_report((EML / "human-reply.eml").read_bytes()) == []


def test_complaint() -> None:
    report = complaint("arf-abuse.eml")
    assert report.is_complaint
    assert report.recipients == ("ann@example.net",)
    assert (report.feedback_type, report.user_agent, report.source_ip) == ("abuse", "SomeGenerator/1.0", "192.0.2.1")
    assert report.original.message_id == "<019a.order@example.test>"


def test_redacted_complaint_keeps_the_headers_that_identify_the_mail() -> None:
    report = complaint("arf-redacted.eml")
    assert report.recipients == ()
    assert ("X-Postbridge-Id", "token") in [(h.name, h.value) for h in report.original.headers]


@pytest.mark.parametrize(("name", "kind"), [("arf-not-spam.eml", "not-spam"), ("arf-auth-failure.eml", "auth-failure")])
def test_feedback_that_is_no_complaint(name: str, kind: str) -> None:
    report = complaint(name)
    assert report.feedback_type == kind and not report.is_complaint


def test_several_recipients_in_a_complaint() -> None:
    report = complaint("arf-two-recipients.eml")
    assert report.recipients == ("one@example.net", "two@example.net")
    assert report.feedback_type == "fraud" and report.is_complaint


def test_feedback_loop_without_a_report_part() -> None:
    report = complaint("jmrp-microsoft.eml")
    assert report.is_complaint and report.recipients == ("ann@outlook.example",) and report.source_ip == "192.0.2.1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1 no", (550, "5.1.1")),
        ("said: 550-5.7.26 x", (550, "5.7.26")),
        ("#5.1.1 smtp;550", (550, "5.1.1")),
        ("250 2.0 x", (None, None)),
        ("5.1", (None, None)),
        ("5.1.1.1", (None, None)),
        ("999.9.9", (None, None)),
        ("192.0.2.550 x", (None, None)),
        ("", (None, None)),
    ],
)
def test_find_status(text: str, expected: tuple[int | None, str | None]) -> None:
    """CVE-2026-43964: odd statuses."""
    assert find_status(text) == expected


@given(st.binary(max_size=1500), st.sampled_from(sorted(EML.glob("*.eml"))), st.integers(0, 2000))
@settings(max_examples=300, deadline=None)
def test_any_octets_give_some_answer(junk: bytes, sample: Path, cut: int) -> None:
    whole = sample.read_bytes()
    parse_report(junk)
    parse_report(whole[:cut] + junk + whole[cut:])


def test_bombs_are_read_quickly() -> None:
    import time

    head = b"From: MAILER-DAEMON@x\nSubject: Undelivered\n"
    started = time.perf_counter()
    for body in (b"a" * 2_000_000, b"<a@b.c> 550 " * 100_000, b"\n \t" * 500_000, b"\n550 5.1.1 a@b.c" * 60_000, b"\r" * 1_500_000):
        parse_report(head + b"\n" + body)
        parse_report(head + b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" + body)
        parse_report(head + b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n" + body)
    assert time.perf_counter() - started < 5
