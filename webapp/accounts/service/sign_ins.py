"""The history of a person's sign-ins, and the letter about one from a device and network never seen before."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.agents import describe_agent
from webapp.accounts.models import SignIn, User
from webapp.accounts.service.notices import tell
from webapp.accounts.types import Device, NoticeKind, Outcome, SignInMethod
from webapp.kernel import clock
from webapp.kernel.ids import uuid7

#: What was seen longer ago is new again; rows are kept no longer either.
_MEMORY = timedelta(days=90)


def note_sign_in(session: Session, user: User | None, method: SignInMethod, outcome: Outcome, device: Device) -> SignIn:
    """Write one try down. ``user`` None: the address is unknown; the row is written all the same, so that time does not tell."""
    row = SignIn(
        id=uuid7(), user_id=user.id if user else None, method=method.value, outcome=outcome.value, address=device.address,
        network=network_around(device.address), device=describe_agent(device.user_agent),
    )  # fmt: skip
    if user is not None and outcome is Outcome.SUCCESS and _is_unusual(session, user, row):
        row.is_new = True
        at = f"{clock.now():%Y-%m-%d %H:%M} UTC"
        tell(session, user, NoticeKind.NEW_DEVICE, device=row.device, address=row.address or "unknown", method=method.value, at=at)
    session.add(row)
    session.flush()
    return row


def network_around(address: str | None) -> str | None:
    """The neighbourhood of an address: its /24, for IPv6 its /48. People's addresses move within it from day to day."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def _is_unusual(session: Session, user: User, row: SignIn) -> bool:
    """Another device, or another network, than ever before. Not the first sign-in of all, which is the person's own sign-up."""
    before = sa.select(SignIn.id).where(SignIn.user_id == user.id, SignIn.outcome == Outcome.SUCCESS, SignIn.at > clock.now() - _MEMORY)
    if session.scalar(before.limit(1)) is None:
        return False
    known = before.where(SignIn.device == row.device, SignIn.network.is_not_distinct_from(row.network))
    return session.scalar(known.limit(1)) is None
