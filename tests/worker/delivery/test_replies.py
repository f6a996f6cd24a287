"""Every sign of the classification table, and the two warnings under it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.delivery.replies import POLICY, classify, clean_text, parse_enhanced
from worker.delivery.types import Blame, ReplyClass, Stage, Verdict

C = ReplyClass

# (reply, stage, class, retry, suppress)
SIGNS = [
    # hard.unknown_user
    ("550 5.1.1 user unknown", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 5.1.1 <x@y>: Recipient address rejected: User unknown in virtual mailbox table", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550-5.1.1 The email account that you tried to reach does not exist.", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 5.1.2 bad destination system", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("553 5.1.3 bad address syntax", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("551 5.1.6 mailbox has moved", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 5.7.17 mailbox owner has changed", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 No such user here", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 user unknown", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 5.5.0 Requested action not taken: mailbox unavailable", Stage.RCPT, C.UNKNOWN_USER, False, True),
    ("550 5.4.1 Recipient address rejected: Access denied", Stage.RCPT, C.UNKNOWN_USER, False, True),
    # Microsoft's words above; a Postfix says this of whomever its rules do not let in.
    ("554 5.7.1 <x@y>: Recipient address rejected: Access denied", Stage.RCPT, C.REJECTED, False, False),
    # hard.bad_domain
    ("556 5.1.10 recipient has null MX", Stage.RCPT, C.BAD_DOMAIN, False, True),
    ("556 domain does not accept mail", Stage.RCPT, C.BAD_DOMAIN, False, True),
    ("550 5.7.18 domain owner has changed", Stage.RCPT, C.BAD_DOMAIN, False, True),
    # soft.mailbox_full
    ("452 4.2.2 over quota", Stage.RCPT, C.MAILBOX_FULL, True, False),
    ("552 5.2.2 mailbox full", Stage.RCPT, C.MAILBOX_FULL, True, False),
    ("552-5.2.2 The email account that you tried to reach is over quota.", Stage.END_OF_DATA, C.MAILBOX_FULL, True, False),
    ("452 4.3.1 insufficient system storage", Stage.RCPT, C.MAILBOX_FULL, True, False),
    ("550 mailbox is full", Stage.RCPT, C.MAILBOX_FULL, True, False),
    # soft.inactive
    ("550 5.2.1 mailbox disabled", Stage.RCPT, C.INACTIVE, False, False),
    ("452 4.2.1 account disabled for now", Stage.RCPT, C.INACTIVE, True, False),
    ("525 5.7.13 user account disabled", Stage.RCPT, C.INACTIVE, False, False),
    ("550 this account has been suspended", Stage.RCPT, C.INACTIVE, False, False),
    # greylist
    ("450 4.2.0 come back later", Stage.RCPT, C.GREYLIST, True, False),
    ("451 4.7.1 please try again", Stage.RCPT, C.GREYLIST, True, False),
    ("450 4.7.1 come back later", Stage.RCPT, C.GREYLIST, True, False),
    ("451 Greylisting in action", Stage.RCPT, C.GREYLIST, True, False),
    # throttle
    ("421 4.7.0 try again later", Stage.RCPT, C.THROTTLE, True, False),
    ("421-4.7.28 unusual rate of unsolicited mail", Stage.RCPT, C.THROTTLE, True, False),
    ("450-4.2.1 The user you are trying to contact is receiving mail too quickly", Stage.RCPT, C.THROTTLE, True, False),
    ("450-4.2.1 The user you are trying to contact is receiving mail at a rate that", Stage.RCPT, C.THROTTLE, True, False),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", Stage.BANNER, C.THROTTLE, True, False),
    ("451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", Stage.BANNER, C.THROTTLE, True, False),
    ("421", Stage.BANNER, C.THROTTLE, True, False),
    # block.reputation
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", Stage.RCPT, C.BLOCK, True, False),
    ("550 5.7.1 listed at bl.spamcop.net", Stage.BANNER, C.BLOCK, True, False),
    ("553 5.7.1 [TSS03] All messages from 192.0.2.1 will be permanently deferred", Stage.BANNER, C.BLOCK, True, False),
    (
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your provider since part of their network is on our block list",
        Stage.RCPT,
        C.BLOCK,
        True,
        False,
    ),
    ("554 no", Stage.BANNER, C.BLOCK, True, False),
    ("451 4.7.1 Client host blocked using zen.spamhaus.org", Stage.RCPT, C.BLOCK, True, False),
    # policy.auth
    ("550-5.7.26 This mail has been blocked because the sender is unauthenticated.", Stage.END_OF_DATA, C.POLICY_AUTH, False, False),
    ("550 5.7.515 Access denied, sending domain does not meet the required authentication level", Stage.END_OF_DATA, C.POLICY_AUTH, False, False),
    ("550 5.7.1 SPF check failed", Stage.RCPT, C.POLICY_AUTH, False, False),
    ("550 5.7.1 DKIM signature missing", Stage.END_OF_DATA, C.POLICY_AUTH, False, False),
    ("550 5.7.1 rejected by DMARC policy of sender.example", Stage.END_OF_DATA, C.POLICY_AUTH, False, False),
    ("550 5.7.27 sender address has null MX", Stage.RCPT, C.POLICY_AUTH, False, False),
    ("421-4.7.26 unauthenticated mail", Stage.END_OF_DATA, C.POLICY_AUTH, True, False),
    # content and size
    ("554 5.6.0 message content rejected", Stage.END_OF_DATA, C.CONTENT, False, False),
    ("552 5.3.4 message too big", Stage.MAIL, C.CONTENT, False, False),
    ("552 too much", Stage.END_OF_DATA, C.CONTENT, False, False),
    ("554 5.7.1 this looks like spam", Stage.END_OF_DATA, C.CONTENT, False, False),
    ("550 message contains a virus", Stage.END_OF_DATA, C.CONTENT, False, False),
    # tls
    ("530 5.7.0 Must issue a STARTTLS command first", Stage.MAIL, C.TLS, True, False),
    ("421 4.7.29 TLS required", Stage.RCPT, C.TLS, True, False),
    ("550 5.7.29 TLS required", Stage.RCPT, C.TLS, True, False),
    ("550 5.7.10 encryption needed", Stage.MAIL, C.TLS, True, False),
    ("550 5.7.1 sender's MTA-STS policy does not validate", Stage.MAIL, C.TLS, True, False),
    ("454 4.7.0 TLS not available due to temporary reason", Stage.STARTTLS, C.TLS, True, False),
    # net
    ("451 4.4.1 no answer from host", Stage.RCPT, C.NET, True, False),
    ("421 4.4.2 timeout", Stage.RCPT, C.NET, True, False),
    ("451 4.4.0 dns error: SERVFAIL", Stage.RCPT, C.NET, True, False),
    ("450 connection timed out behind us", Stage.RCPT, C.NET, True, False),
    ("451 4.4.3 name server failure", Stage.RCPT, C.NET, True, False),
    # protocol
    ("503 5.5.1 bad sequence", Stage.DATA, C.PROTOCOL, False, False),
    ("501 5.5.4 invalid arguments", Stage.MAIL, C.PROTOCOL, False, False),
    ("500 what", Stage.MAIL, C.PROTOCOL, False, False),
    # our relay account
    ("535 5.7.8 bad credentials", Stage.AUTH, C.RELAY, True, False),
    ("530 5.7.0 log in first", Stage.MAIL, C.RELAY, True, False),
    # nothing known
    ("451 4.3.0 local error", Stage.RCPT, C.TEMPORARY, True, False),
    ("451 no idea", Stage.RCPT, C.TEMPORARY, True, False),
    ("550 no", Stage.RCPT, C.REJECTED, False, False),
    ("550 5.7.1 delivery not authorised", Stage.RCPT, C.REJECTED, False, False),
    ("599 strange", Stage.RCPT, C.REJECTED, False, False),
]


def judge(reply: str, stage: Stage) -> Verdict:
    """Classify a reply as it stands on the wire."""
    return classify(int(reply[:3]), parse_enhanced(reply[4:]), reply[4:], stage)


@pytest.mark.parametrize(("reply", "stage", "reply_class", "retry", "suppress"), SIGNS, ids=[row[0][:40] for row in SIGNS])
def test_sign(reply: str, stage: Stage, reply_class: ReplyClass, retry: bool, suppress: bool) -> None:
    verdict = judge(reply, stage)
    assert (verdict.reply_class, verdict.retry, verdict.suppress) == (reply_class, retry, suppress)
    assert verdict.blame is POLICY[reply_class][0]


@pytest.mark.parametrize(
    "reply",
    [
        "550 message filtered",
        "550 5.7.1 message filtered",
        "552 mailbox full",
        "550 5.7.26 authentication failed",
        "550 5.7.1 rejected by policy",
        "554 blocked",
        "550 rejected",
        "550 account suspended",
        "554 transaction failed",
        "550",
        "554 5.0.0",
        "550 5.1.1 blocked using zen.spamhaus.org",
        "550 5.1.1 SPF failure for sender domain",
    ],
)
def test_permanent_is_not_hard(reply: str) -> None:
    """First warning: a 5xx alone never suppresses the recipient."""
    for stage in (Stage.RCPT, Stage.END_OF_DATA):
        assert not judge(reply, stage).suppress


def test_unknown_user_behind_another_code() -> None:
    """Second warning: the words may say "unknown user" where the code does not. In a final bounce it counts; a live 4xx is
    the server's wish for another try, and is tried again without suppressing."""
    for enhanced in (None, "4.0.0", "4.2.0"):
        final = classify(None, enhanced, "user unknown", Stage.DSN)
        assert (final.reply_class, final.retry, final.suppress) == (C.UNKNOWN_USER, False, True)
    live = classify(450, "4.2.0", "user unknown", Stage.RCPT)
    assert (live.reply_class, live.retry, live.suppress) == (C.UNKNOWN_USER, True, False)
    assert classify(450, "4.1.1", "mailbox temporarily unavailable", Stage.RCPT).retry


def test_temporary_status_in_a_bounce_is_expiry() -> None:
    for enhanced in ("4.4.7", "5.4.7", "4.4.1", "4.0.0"):
        verdict = classify(None, enhanced, "delivery time expired", Stage.DSN)
        assert (verdict.reply_class, verdict.retry, verdict.suppress) == (C.EXPIRED, False, False)
    full = classify(None, "5.2.2", "mailbox full", Stage.DSN)
    assert (full.reply_class, full.retry, full.suppress) == (C.MAILBOX_FULL, False, False)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1 x", "5.1.1"),
        ("2.0.0 Ok", "2.0.0"),
        ("4.7.650 busy", "4.7.650"),
        ("5.1 user unknown", None),
        ("5.1.1.2 x", None),
        ("5.1.1", "5.1.1"),
        ("5.01.001 x", "5.1.1"),
        ("3.1.1 x", None),
        ("mail from 5.1.1", None),
        ("", None),
    ],
)
def test_enhanced_status(text: str, status: str | None) -> None:
    assert parse_enhanced(text) == status


def test_only_the_recipients_own_trouble_suppresses() -> None:
    for reply_class, (blame, retry, suppress) in POLICY.items():
        assert not suppress or (blame is Blame.RECIPIENT and not retry), reply_class
    assert set(POLICY) == set(ReplyClass)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.none(), st.integers(200, 599)), st.text(max_size=300), st.sampled_from(list(Stage)))
def test_any_reply_has_a_consistent_verdict(code: int | None, text: str, stage: Stage) -> None:
    verdict = classify(code, parse_enhanced(text), text, stage)
    assert not (verdict.suppress and verdict.retry)
    assert not verdict.suppress or verdict.blame is Blame.RECIPIENT
    if code is not None and 400 <= code < 500 and stage is not Stage.DSN:
        assert verdict.retry


@given(st.binary(max_size=3000))
def test_clean_text_is_printable_and_bounded(raw: bytes) -> None:
    text = clean_text(raw)
    assert len(text) <= 1000
    assert "\n" not in text and "\r" not in text and "\x1b" not in text
