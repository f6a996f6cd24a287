"""What the simulator's addresses do. The simulator obeys this list, and the pages that explain it are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """When a behaviour shows: at RCPT, behind the final dot, or some seconds after the mail was taken."""

    RECIPIENT = "at RCPT"
    MESSAGE = "after DATA"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One address of the simulator. reply: code, enhanced status and words with which it refuses; summary: one sentence for people."""

    name: str
    stage: Stage
    summary: str
    reply: tuple[int, str, str] | None = None


def _refuses(stage: Stage, *rows: tuple[str, int, str, str, str]) -> list[Behaviour]:
    return [Behaviour(name, stage, summary, (code, status, text)) for name, code, status, text, summary in rows]


_ALL = [
    Behaviour("delivered", Stage.MESSAGE, "Takes the mail. So does every address that is not in this list."),
    *_refuses(
        Stage.RECIPIENT,
        ("bounce", 550, "5.1.1", "No such user here", "Does not exist: a hard bounce, the address is suppressed."),
        ("full", 452, "4.2.2", "Mailbox full, try again later", "Mailbox is full: deferred and tried again until it expires."),
        ("overquota", 552, "5.2.2", "Mailbox over quota", "Over quota, said with a 5xx: tried again all the same, because mailboxes get emptied."),
        ("inactive", 550, "5.2.1", "Mailbox disabled", "Account is disabled: bounces, but the address is not suppressed at once."),
        ("defer", 451, "4.7.1", "Greylisted, come back later", "Greylisting: refused at first, taken when tried again a little later."),
        ("throttle", 421, "4.7.0", "Too many messages from your address, slow down", "Always says slow down: deferred, and with many of them slowed."),
        (
            *("block", 554, "5.7.1", "Service unavailable; client host blocked using bl.simulator"),
            "Blocks our sending address: deferred, nobody is suppressed.",
        ),
    ),
    *_refuses(
        Stage.MESSAGE,
        ("policy", 550, "5.7.26", "This mail has been blocked because the sender is unauthenticated", "Refuses for failing SPF and DKIM."),
        ("content", 550, "5.6.0", "Message content rejected", "Refuses the content."),
        ("toobig", 552, "5.3.4", "Message too big for this mailbox", "Refuses the size."),
    ),
    Behaviour("slow", Stage.MESSAGE, "Takes the mail, but thinks about it for some seconds."),
    Behaviour("drop", Stage.MESSAGE, "Cuts the connection behind the final dot: nobody can know whether it was taken, so it is sent again."),
    Behaviour("late-bounce", Stage.LATER, "Takes the mail, then sends a bounce (DSN) by mail to the return path."),
    Behaviour("complaint", Stage.LATER, "Takes the mail, then reports it as spam (ARF) by mail: a complaint."),
    Behaviour("autoreply", Stage.LATER, "Takes the mail, then answers that it is on holiday: must change nothing."),
    Behaviour("unsubscribe", Stage.LATER, "Takes the mail, then presses its one-click unsubscribe button."),
    Behaviour("open", Stage.LATER, "Takes the mail and opens it, loading the tracking pixel."),
    Behaviour("click", Stage.LATER, "Takes the mail, opens it and follows its first tracked link."),
]

#: Every behaviour by local part, in the order in which people should read them.
BEHAVIOURS: dict[str, Behaviour] = {behaviour.name: behaviour for behaviour in _ALL}
