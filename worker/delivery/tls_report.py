"""What is kept for SMTP TLS reports (RFC 8460): how often TLS with a policy domain's hosts worked, and how it failed."""

from __future__ import annotations

import ssl
from enum import StrEnum
from typing import NamedTuple

MAX_KINDS = 10_000
_HOST_MISMATCH = frozenset({62, 63, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, EMAIL_, IP_ADDRESS_
_EXPIRED = frozenset({9, 10, 11, 12})  # not yet valid, expired, and their list forms
_UNTRUSTED = frozenset({2, 7, 18, 19, 20, 21, 24, 26, 27, 28, 79})


class PolicyType(StrEnum):
    """The policy that a session was held under (RFC 8460 4.4)."""

    STS = "sts"
    TLSA = "tlsa"
    NONE = "no-policy-found"


class TlsResult(StrEnum):
    """How a session or a policy went (RFC 8460 4.3); `successful` is the one that is counted, not detailed."""

    SUCCESSFUL = "successful"
    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    STS_FETCH_ERROR = "sts-policy-fetch-error"
    STS_INVALID = "sts-policy-invalid"
    STS_WEBPKI_INVALID = "sts-webpki-invalid"


class TlsFact(NamedTuple):
    """One kind of session: what is equal is counted together. `reason`: words for a person, bounded; `policy`: the policy as text."""

    domain: str
    policy_type: PolicyType
    result: TlsResult
    mx: str
    source_ip: str
    remote_ip: str
    reason: str = ""
    policy: str = ""


class Tally:
    """Counts sessions until somebody writes them down. A session is counted for the domain whose mail opened it.

    Sessions without any policy are kept only when they failed: most domains publish nothing and want no report.
    """

    def __init__(self) -> None:
        self._counts: dict[TlsFact, int] = {}

    def add(self, fact: TlsFact) -> None:
        """Count one session."""
        if fact.policy_type is PolicyType.NONE and fact.result is TlsResult.SUCCESSFUL:
            return
        if fact in self._counts or len(self._counts) < MAX_KINDS:
            self._counts[fact] = self._counts.get(fact, 0) + 1

    def take(self) -> list[tuple[TlsFact, int]]:
        """Everything counted since the last call."""
        counts, self._counts = self._counts, {}
        return list(counts.items())

    def put_back(self, counts: list[tuple[TlsFact, int]]) -> None:
        """Count again what could not be written down."""
        for fact, count in counts:
            self._counts[fact] = self._counts.get(fact, 0) + count


def result_of(error: BaseException) -> TlsResult:
    """The report's word for a TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _HOST_MISMATCH:
            return TlsResult.HOST_MISMATCH
        if error.verify_code in _EXPIRED:
            return TlsResult.EXPIRED
        if error.verify_code in _UNTRUSTED:
            return TlsResult.NOT_TRUSTED
    return TlsResult.VALIDATION_FAILURE
