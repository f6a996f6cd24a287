"""The eighteen pitfalls of reports, each with its fixtures and what must come of it: a failure and of whom, a complaint, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp.kernel.ids import uuid7
from webapp.messages.reports import AutoReply, BounceReport, parse_report
from worker.smtp.inbound import late_bounce_of

EML = Path(__file__).parents[1] / "eml"

UNKNOWN, FULL, INACTIVE = "hard.unknown_user", "soft.mailbox_full", "soft.inactive"
#: (number, what it is about, fixture, what it says). A failure is "address class", with "-" where no address stands.
PITFALLS = [
    (1, "no delivery-status part at all", "bounce-gateway.eml", [f"ann@example.net {UNKNOWN}"]),
    (1, "no delivery-status part at all, and no address", "bounce-german-no-address.eml", [f"- {UNKNOWN}"]),
    (2, "Action: delayed is no bounce", "dsn-delayed.eml", ["delayed"]),
    (2, "a delay told in words", "warning-delayed-text.eml", ["delayed"]),
    (2, "a delay with a reason that sounds final", "warning-full-box.eml", ["delayed"]),
    (3, "failed with a 4.x.x status", "dsn-failed-after-expiry.eml", ["ann@example.net expired"]),
    (4, "the status only in the diagnostic, folded, two languages", "dsn-status-only-in-diagnostic.eml", [f"ann@example.net {UNKNOWN}"]),
    (4, "the reason only in the words for people", "dsn-reason-in-the-text.eml", [f"ann@example.net {FULL}"]),
    (5, "several recipients with different fates", "dsn-several-recipients.eml",
     [f"one@example.net {UNKNOWN}", "delayed", "delivered", "relayed", f"five@example.net {FULL}"]),
    (5, "several recipients without a blank line between", "dsn-no-blank-lines.eml", [f"ann@example.net {UNKNOWN}", f"bob@example.net {FULL}"]),
    (6, "forwarded, with xtext", "dsn-forwarded-xtext.eml", ["ann+tag=x@example.net block.reputation"]),
    (6, "internationalised", "dsn-global.eml", [f"jörg@example.net {UNKNOWN}"]),
    (6, "forwarded, told in words", "bounce-alias.eml", [f"ann@example.net {UNKNOWN}"]),
    (7, "headers only", "dsn-failed-after-expiry.eml", ["ann@example.net expired"]),
    (7, "nothing of the original", "dsn-without-original.eml", [f"ann@example.net {INACTIVE}"]),
    (8, "CR only", "dsn-cr-only.eml", [f"ann@example.net {UNKNOWN}"]),
    (8, "CR LF", "dsn-crlf.eml", [f"ann@example.net {UNKNOWN}"]),
    (9, "qmail", "bounce-qmail.eml", [f"ann@example.net {UNKNOWN}"]),
    (9, "Exim", "bounce-exim.eml", [f"ann@example.net {FULL}"]),
    (9, "Exchange", "bounce-exchange.eml", [f"ann@example.net {UNKNOWN}"]),
    (9, "HTML only", "bounce-html-only.eml", [f"ann@example.net {UNKNOWN}"]),
    (10, "holiday note", "auto-reply-vacation.eml", ["reply"]),
    (10, "holiday note known by its subject", "auto-reply-no-header.eml", ["reply"]),
    (10, "read receipt", "mdn-displayed.eml", ["reply"]),
    (10, "a rejection dressed as a receipt", "mdn-rejected.eml", [f"ann@example.net {FULL}"]),
    (10, "a person", "human-reply.eml", []),
    (11, "delivered", "dsn-delivered.eml", ["delivered"]),
    (11, "relayed", "dsn-relayed.eml", ["relayed"]),
    (12, "a status of two numbers", "dsn-strange-status.eml", None),
    (13, "broken MIME", "dsn-broken-mime.eml", [f"ann@example.net {UNKNOWN}"]),
    (14, "a complaint without a recipient", "arf-redacted.eml", ["complaint "]),
    (15, "Microsoft's loop is a multipart/mixed", "jmrp-microsoft.eml", ["complaint ann@outlook.example"]),
    (15, "so are those of SES", "arf-ses.eml", ["complaint ann@example.net"]),
    (16, "not-spam", "arf-not-spam.eml", ["not-spam"]),
    (16, "auth-failure", "arf-auth-failure.eml", ["auth-failure"]),
    (18, "a report wrapped by a gateway", "dsn-wrapped.eml", [f"ann@example.net {UNKNOWN}"]),
    (18, "a zip of reports", "arf-zip.eml", []),
]  # fmt: skip


def summary(data: bytes) -> list[str]:
    """What each report says, as in the table."""
    said = []
    for report in parse_report(data):
        if isinstance(report, BounceReport):
            whom = report.original_recipient or report.recipient or "-"
            said.append(f"{whom} {late_bounce_of(uuid7(), report).reply_class}" if report.is_bounce else report.action.value)
        elif isinstance(report, AutoReply):
            said.append("reply")
        else:
            said.append(f"complaint {','.join(report.recipients)}" if report.is_complaint else report.feedback_type)
    return said


@pytest.mark.parametrize(("number", "what", "name", "expected"), PITFALLS, ids=[f"{row[0]} {row[1]}" for row in PITFALLS])
def test_pitfall(number: int, what: str, name: str, expected: list[str] | None) -> None:
    found = summary((EML / name).read_bytes())
    if expected is None:  # what remains is the code: a failure, and of nobody's for certain
        assert [words.split()[0] for words in found] == ["ann@example.net"]
    else:
        assert found == expected


def test_every_pitfall_has_a_fixture() -> None:
    """17 is forgery and 18 loops and size too: those need the servers (tests/worker/smtp/test_inbound_forgery.py) and test_reports_hostile.py."""
    assert {row[0] for row in PITFALLS} == set(range(1, 19)) - {17}
