"""Acts of the operator on IP addresses: adding, changing, checking that receivers can trust one. Callers are unscoped."""

from __future__ import annotations

import ipaddress
import socket
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel import dns as lookups
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.dns import LookUp
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.pools.models import IpAddress

#: As an IP address of ours: no particular one, the system chooses.
ANY_ADDRESS = "0.0.0.0"


def add_address(session: Session, address: str, helo_name: str, tenant_id: UUID | None = None) -> IpAddress:
    """Take an address of this platform's machines into use, dedicated to a tenant or shared.

    Raises ``ValidationFailed`` for what is no address or no full host name, ``Conflict`` when it is known already.
    """
    row = IpAddress(id=uuid7(), tenant_id=tenant_id, address=_number(address), helo_name=_name(helo_name), active=True)
    with refuse_on(session, "uq_ip_addresses_address", Conflict("This address is known already.", param="address")):
        session.add(row)
    return row


def find_address(session: Session, address: str) -> IpAddress:
    """The row of an address. Raises ``NotFound``."""
    row = session.scalar(sa.select(IpAddress).where(IpAddress.address == _number(address)))
    if row is None:
        raise NotFound("IP address")
    return row


def change_address(session: Session, address: str, *, helo_name: str | None = None, active: bool | None = None) -> IpAddress:
    """Give an address another name to greet with, or take it into or out of use. Raises as ``add_address``."""
    row = find_address(session, address)
    if helo_name is not None:
        row.helo_name = _name(helo_name)
    if active is not None:
        row.active = active
    session.flush()
    return row


def check_address(session: Session, address: str) -> list[str]:
    """Look whether this machine can send from an address and whether its names agree; the problems, a sentence each, also kept in its row.

    Receivers want the PTR record of the address to name a host that points back to it, and refuse much mail otherwise; the name it greets with
    should be that host (RFC 5321 4.1.1.1, RFC 1912 2.1). Takes some seconds; run it on a machine that delivers.
    """
    row = find_address(session, address)
    problems = [] if row.address == ANY_ADDRESS else [*_binding_problems(row.address), *_name_problems(row.address, row.helo_name)]
    row.checked_at, row.problems = now(), problems
    session.flush()
    return problems


def _binding_problems(address: str) -> list[str]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return [f"This machine cannot send from {address}: {(error.strerror or 'it is not one of its own').lower()}."]
    return []


def _name_problems(address: str, helo_name: str) -> list[str]:
    reverse = lookups.look_up(ipaddress.ip_address(address).reverse_pointer, "PTR")
    if reverse.outcome is LookUp.FAILED:
        return ["The PTR record cannot be looked up: the name servers do not answer."]
    if not reverse.values:
        return [f"{address} has no PTR record; many receivers refuse such mail. Ask whoever gave you the address for one that names {helo_name}."]
    confirmed = [name for name in reverse.values if address in lookups.addresses(name)]
    if not confirmed:
        return [f"The PTR record names {reverse.values[0]}, but that name does not point back to {address}."]
    problems = []
    if helo_name.lower() not in confirmed:
        problems.append(f"It greets as {helo_name}, but its PTR record names {confirmed[0]}; greet with that name.")
    if address not in lookups.addresses(helo_name):
        problems.append(f"{helo_name} does not point to {address}.")
    return problems


def _number(text: str) -> str:
    try:
        number = ipaddress.ip_address(text.strip())
    except ValueError:
        raise ValidationFailed(f"{text} is not an IP address.", param="address") from None
    if str(number) != ANY_ADDRESS and (number.is_multicast or number.is_unspecified or getattr(number, "scope_id", None)):
        raise ValidationFailed(f"{text} is not an address mail can leave from.", param="address")
    return str(number)


def _name(text: str) -> str:
    """A full host name: at least two labels of letters, digits and hyphens."""
    name = text.strip().lower().rstrip(".")
    labels = name.split(".")
    fine = len(name) <= 253 and len(labels) > 1 and all(0 < len(one) < 64 and one.replace("-", "").isalnum() and one.isascii() for one in labels)
    if not fine or any(one[0] == "-" or one[-1] == "-" for one in labels) or labels[-1].isdigit():
        raise ValidationFailed(f"{text} is not a full host name, such as out1.example.com.", param="helo_name")
    return name
