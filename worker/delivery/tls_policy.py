"""How the connection to one MX host must be protected: the member's mode, MTA-STS (RFC 8461) and DANE (RFC 7672) as one decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from worker.delivery.dane import TlsaRecord, TlsaSet
from worker.delivery.mta_sts import StsMode, StsPolicy
from worker.delivery.tls_report import PolicyType
from worker.delivery.types import TlsMode


class Check(StrEnum):
    """What is asked of a server's certificate: nothing, a chain to the trusted roots and its name, or its TLSA records."""

    NOTHING = "nothing"
    ROOTS = "roots"
    TLSA = "tlsa"


class NotCovered(Exception):
    """The policy of the domain does not list this host, so no mail may go there."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What holds for one host. `required`: no mail without TLS that passes `check`. `testing`: failures are only counted.

    `server_name`: the name for SNI and for the certificate; `policy`: the policy as text, for reports.
    """

    required: bool
    check: Check
    server_name: str
    policy_type: PolicyType = PolicyType.NONE
    tlsa: tuple[TlsaRecord, ...] = ()
    names: tuple[str, ...] = ()
    testing: bool = False
    policy: str = ""


def plain_protection(mode: TlsMode, host: str) -> Protection:
    """What a mode alone asks for, without a policy of the domain."""
    strict = mode in (TlsMode.REQUIRED, TlsMode.IMPLICIT)
    return Protection(strict, Check.ROOTS if strict else Check.NOTHING, host)


def protection_of(mode: TlsMode, host: str, domain: str, sts: StsPolicy | None, tlsa: TlsaSet | None) -> Protection:
    """The decision for an MX host of `domain`. DANE rules over MTA-STS (RFC 8461 section 2), both over an optional mode.

    Raises NotCovered when an enforced MTA-STS policy does not list `host`.
    """
    if mode is TlsMode.NONE:
        return plain_protection(mode, host)
    if tlsa is not None and tlsa.records:
        usable = tuple(record for record in tlsa.records if record.usable)
        text = "\n".join(str(record) for record in tlsa.records)
        if usable:
            return Protection(True, Check.TLSA, tlsa.base, PolicyType.TLSA, usable, (tlsa.base, host, domain), policy=text)
        check = Check.ROOTS if mode is TlsMode.REQUIRED else Check.NOTHING
        return Protection(True, check, tlsa.base, PolicyType.TLSA, policy=text)
    if sts is not None and sts.mode is not StsMode.NONE:
        testing = sts.mode is StsMode.TESTING
        if not testing and not sts.covers(host):
            raise NotCovered(f"the MTA-STS policy of {domain} does not list {host}")
        required = not testing or mode is TlsMode.REQUIRED
        return Protection(required, Check.ROOTS, host, PolicyType.STS, testing=testing and not required, policy=sts.text)
    return plain_protection(mode, host)
