"""Operations under 'Domains'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.domains_types import (
    DomainOut,
    DomainWithRecords,
    RecordCheckOut,
    RecordsOut,
    ScoreOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class DomainsOperations(Caller):
    """Domains to send from: what to publish in DNS, whether it is there, how well it is done, and the rotation of DKIM keys."""

    def list_domains(
        self,
        *,
        search: str | None = None,
        status: Literal["pending", "verified", "failing", "off"] | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[DomainOut]:
        """List domains. Permission: `domain.read`."""
        return cast(
            "Page[DomainOut]", self._page("GET", "/api/v1/domains", query={"search": search, "status": status, "sort": sort, "limit": limit, "cursor": cursor})
        )

    def iter_domains(
        self,
        *,
        search: str | None = None,
        status: Literal["pending", "verified", "failing", "off"] | None = None,
        sort: Literal["-created_at", "created_at", "name", "-name"] | None = None,
        limit: int | None = None,
    ) -> Iterator[DomainOut]:
        """All of them, page by page: see list_domains."""
        return self._pages("/api/v1/domains", {"search": search, "status": status, "sort": sort, "limit": limit})

    def create_domain(self, *, domain: str, covers_subdomains: bool = UNSET, idempotency_key: str | None = None) -> DomainWithRecords:
        """Add a domain. The answer names the DNS records to publish. Permission: `domain.create`."""
        return cast(
            "DomainWithRecords",
            self.request(
                "POST",
                "/api/v1/domains",
                body={"domain": domain, "covers_subdomains": covers_subdomains},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_domain(self, domain_id: str) -> DomainWithRecords:
        """Read a domain with its records. Permission: `domain.read`."""
        return cast("DomainWithRecords", self.request("GET", f"/api/v1/domains/{in_path(domain_id)}"))

    def update_domain(
        self, domain_id: str, *, covers_subdomains: bool = UNSET, return_path_label: str = UNSET, tracking_label: str = UNSET, if_match: str | None = None
    ) -> DomainWithRecords:
        """Say whether sub-domains are covered, and how the hosts under the domain are called. Permission: `domain.create`."""
        return cast(
            "DomainWithRecords",
            self.request(
                "PATCH",
                f"/api/v1/domains/{in_path(domain_id)}",
                body={"covers_subdomains": covers_subdomains, "return_path_label": return_path_label, "tracking_label": tracking_label},
                headers={"If-Match": if_match},
            ),
        )

    def delete_domain(self, domain_id: str, *, if_match: str | None = None) -> None:
        """Remove a domain and destroy its DKIM keys. Permission: `domain.delete`."""
        self.request("DELETE", f"/api/v1/domains/{in_path(domain_id)}", headers={"If-Match": if_match})

    def verify_domain(self, domain_id: str, *, idempotency_key: str | None = None) -> DomainWithRecords:
        """Look the records up now. Takes up to some seconds when a name server is slow. Permission: `domain.verify`."""
        return cast(
            "DomainWithRecords", self.request("POST", f"/api/v1/domains/{in_path(domain_id)}/verify", keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def renew_domain_challenge(self, domain_id: str, *, idempotency_key: str | None = None) -> DomainWithRecords:
        """Give out a new challenge. The old one proves nothing any more. Not while the domain is verified. Permission: `domain.create`."""
        return cast(
            "DomainWithRecords",
            self.request("POST", f"/api/v1/domains/{in_path(domain_id)}/challenge", keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def rotate_domain_dkim(self, domain_id: str, *, idempotency_key: str | None = None) -> DomainWithRecords:
        """Make new DKIM keys. They sign once their records are seen; the old ones do until then. Permission: `domain.create`."""
        return cast(
            "DomainWithRecords",
            self.request("POST", f"/api/v1/domains/{in_path(domain_id)}/rotate-dkim", keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def give_up_domain_dkim_rotation(self, domain_id: str) -> DomainWithRecords:
        """Give a rotation up that was not finished: the new keys are destroyed. Permission: `domain.create`."""
        return cast("DomainWithRecords", self.request("DELETE", f"/api/v1/domains/{in_path(domain_id)}/rotate-dkim"))

    def get_domain_score(self, domain_id: str) -> ScoreOut:
        """How well the domain is set up, 0 to 100, after the last check, with the reasons. Permission: `domain.read`."""
        return cast("ScoreOut", self.request("GET", f"/api/v1/domains/{in_path(domain_id)}/score"))

    def get_domain_records(self, domain_id: str) -> RecordsOut:
        """The records to publish, with what the last check found, also as a zone file. Permission: `domain.read`."""
        return cast("RecordsOut", self.request("GET", f"/api/v1/domains/{in_path(domain_id)}/records"))

    def list_domain_checks(self, domain_id: str, *, limit: int | None = None, cursor: str | None = None) -> Page[RecordCheckOut]:
        """The history of checks: one entry a record and stretch of time with the same result. Permission: `domain.read`."""
        return cast("Page[RecordCheckOut]", self._page("GET", f"/api/v1/domains/{in_path(domain_id)}/checks", query={"limit": limit, "cursor": cursor}))

    def iter_domain_checks(self, domain_id: str, *, limit: int | None = None) -> Iterator[RecordCheckOut]:
        """All of them, page by page: see list_domain_checks."""
        return self._pages(f"/api/v1/domains/{in_path(domain_id)}/checks", {"limit": limit})
