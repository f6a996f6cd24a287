"""/domains."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.domains import queries, schemas, service
from webapp.domains.models import Domain
from webapp.domains.types import DnsRecord
from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("domains", "Domains to send from: proof of ownership and DKIM")


def _with_records(domain: Domain) -> dict[str, Any]:
    columns = {field.attribute or name: getattr(domain, field.attribute or name) for name, field in schemas.DomainOut().fields.items()}
    return {**columns, "records": service.records_for(current_scope(), domain)}


@blp.route("/domains")
class Domains(MethodView):
    """All domains."""

    @requires(Permission.DOMAIN_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.DomainQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.DomainOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Domain]:
        """List domains."""
        return queries.list_domains(current_scope().session, **query, **paging)

    @requires(Permission.DOMAIN_CREATE)
    @blp.arguments(schemas.DomainIn)
    @blp.answer(201, schemas.DomainWithRecords)
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Add a domain; the answer names the DNS records to publish."""
        return _with_records(service.add_domain(current_scope(), data["domain"], data["covers_subdomains"]))


@blp.route("/domains/<uuid:domain_id>")
class OneDomain(MethodView):
    """One domain."""

    @requires(Permission.DOMAIN_READ)
    @blp.answer(200, schemas.DomainWithRecords)
    def get(self, domain_id: UUID) -> dict[str, Any]:
        """Read a domain with its records."""
        return _with_records(queries.get_domain(current_scope().session, domain_id))

    @requires(Permission.DOMAIN_CREATE)
    @blp.arguments(schemas.DomainChange)
    @blp.answer(200, schemas.DomainWithRecords)
    def patch(self, data: dict[str, Any], domain_id: UUID) -> dict[str, Any]:
        """Say whether sub-domains are covered."""
        return _with_records(service.update_domain(current_scope(), domain_id, data["covers_subdomains"]))

    @requires(Permission.DOMAIN_DELETE)
    @blp.answer(200)
    def delete(self, domain_id: UUID) -> None:
        """Remove a domain and destroy its DKIM keys."""
        service.delete_domain(current_scope(), domain_id)


@blp.route("/domains/<uuid:domain_id>/verify", methods=["POST"])
@requires(Permission.DOMAIN_VERIFY)
@blp.answer(200, schemas.DomainWithRecords)
def verify(domain_id: UUID) -> dict[str, Any]:
    """Look the records up now. Takes a few seconds when a name server is slow."""
    return _with_records(service.verify_domain(current_scope(), domain_id))


@blp.route("/domains/<uuid:domain_id>/records")
class Records(MethodView):
    """The records of one domain."""

    @requires(Permission.DOMAIN_READ)
    @blp.answer(200, schemas.RecordsOut)
    def get(self, domain_id: UUID) -> dict[str, list[DnsRecord]]:
        """The records to publish, with what the last check found."""
        scope = current_scope()
        return {"records": service.records_for(scope, queries.get_domain(scope.session, domain_id))}
