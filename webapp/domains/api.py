"""/domains."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.domains import queries, schemas, service
from webapp.domains.models import Domain, RecordCheck
from webapp.domains.types import Score
from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("domains", "Domains to send from: proof of ownership, DNS records, score, DKIM rotation")


def _with_records(domain: Domain) -> dict[str, Any]:
    scope = current_scope()
    columns = {field.attribute or name: getattr(domain, field.attribute or name) for name, field in schemas.DomainOut().fields.items()}
    keys, alignment = queries.list_keys(scope.session, domain.id), service.alignment_in(scope.session, domain)
    return {**columns, "records": service.records_for(scope, domain), "keys": keys, "alignment": alignment}


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
        """Say whether sub-domains are covered, and how the hosts under the domain are called."""
        return _with_records(service.update_domain(current_scope(), domain_id, data))

    @requires(Permission.DOMAIN_DELETE)
    @blp.answer(200)
    def delete(self, domain_id: UUID) -> None:
        """Remove a domain and destroy its DKIM keys."""
        service.delete_domain(current_scope(), domain_id)


@blp.route("/domains/<uuid:domain_id>/verify", methods=["POST"])
@requires(Permission.DOMAIN_VERIFY)
@blp.answer(200, schemas.DomainWithRecords)
def verify(domain_id: UUID) -> dict[str, Any]:
    """Look the records up now. Takes up to some seconds when a name server is slow."""
    return _with_records(service.verify_domain(current_scope(), domain_id))


@blp.route("/domains/<uuid:domain_id>/challenge", methods=["POST"])
@requires(Permission.DOMAIN_CREATE)
@blp.answer(200, schemas.DomainWithRecords)
def renew_challenge(domain_id: UUID) -> dict[str, Any]:
    """Give out a new challenge; the old one proves nothing any more. Not while the domain is verified."""
    return _with_records(service.renew_challenge(current_scope(), domain_id))


@blp.route("/domains/<uuid:domain_id>/rotate-dkim")
class Rotation(MethodView):
    """The rotation of DKIM keys."""

    @requires(Permission.DOMAIN_CREATE)
    @blp.answer(200, schemas.DomainWithRecords)
    def post(self, domain_id: UUID) -> dict[str, Any]:
        """Make new DKIM keys. They sign once their records are seen; the old ones do until then."""
        return _with_records(service.rotate_dkim(current_scope(), domain_id))

    @requires(Permission.DOMAIN_CREATE)
    @blp.answer(200, schemas.DomainWithRecords)
    def delete(self, domain_id: UUID) -> dict[str, Any]:
        """Give a rotation up that was not finished: the new keys are destroyed."""
        return _with_records(service.give_up_rotation(current_scope(), domain_id))


@blp.route("/domains/<uuid:domain_id>/score")
class ScoreOfDomain(MethodView):
    """The score of one domain."""

    @requires(Permission.DOMAIN_READ)
    @blp.answer(200, schemas.ScoreOut)
    def get(self, domain_id: UUID) -> Score:
        """How well the domain is set up, 0 to 100, after the last check, with the reasons."""
        scope = current_scope()
        return service.score_for(scope, queries.get_domain(scope.session, domain_id))


@blp.route("/domains/<uuid:domain_id>/records")
class Records(MethodView):
    """The records of one domain."""

    @requires(Permission.DOMAIN_READ)
    @blp.answer(200, schemas.RecordsOut)
    def get(self, domain_id: UUID) -> dict[str, Any]:
        """The records to publish, with what the last check found, also as a zone file."""
        scope = current_scope()
        domain = queries.get_domain(scope.session, domain_id)
        records = service.records_for(scope, domain)
        return {"records": records, "zone_file": service.zone_file(domain, records)}


@blp.route("/domains/<uuid:domain_id>/checks")
class Checks(MethodView):
    """What checks found over time."""

    @requires(Permission.DOMAIN_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.answer_page(schemas.RecordCheckOut)
    def get(self, paging: dict[str, Any], domain_id: UUID) -> Page[RecordCheck]:
        """The history of checks: one entry a record and stretch of time with the same result."""
        session = current_scope().session
        return queries.list_checks(session, queries.get_domain(session, domain_id).id, **paging)
