"""The web application: settings, extensions, blueprints, error pages. The only place that knows all slices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from flask import Flask, g, request
from flask_wtf.csrf import CSRFError
from htmx_flask import Htmx
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import all_models, health, logs, metrics
from webapp.access import api as access_api
from webapp.access import views as access_views
from webapp.access.doors import load_credential, register_token_resolver
from webapp.accounts import api as accounts_api
from webapp.accounts import views as accounts_views
from webapp.accounts.doors import init_login, init_policy, load_session
from webapp.activity import api as activity_api
from webapp.activity import views as activity_views
from webapp.backoffice import doors as backoffice_doors
from webapp.backoffice import views as backoffice_views
from webapp.bridges import api as bridges_api
from webapp.bridges import views as bridges_views
from webapp.bridges.doors import resolve_token
from webapp.contacts import api as contacts_api
from webapp.contacts import views as contacts_views
from webapp.content import api as content_api
from webapp.content import views as content_views
from webapp.dialects import api as dialects_api
from webapp.dialects.door import DialectDoor
from webapp.documentation import views as documentation_views
from webapp.domains import api as domains_api
from webapp.domains import views as domains_views
from webapp.http import api, guard, pages, problems, reply
from webapp.http.compression import Compressed
from webapp.http.context import asset, template_context
from webapp.http.cors import Cors
from webapp.http.envelope import new_request_id
from webapp.http.unit_of_work import TransactionalFlask, db
from webapp.http.unprotected import csrf
from webapp.incidents import api as incidents_api
from webapp.incidents import views as incidents_views
from webapp.kernel.errors import Forbidden
from webapp.kernel.secrets import keyring
from webapp.messages import api as messages_api
from webapp.messages import views as messages_views
from webapp.messages.hotpath import SendDoor
from webapp.messages.log import api as log_api
from webapp.pace import api as pace_api
from webapp.pace import views as pace_views
from webapp.pools import api as pools_api
from webapp.pools import views as pools_views
from webapp.reports import api as reports_api
from webapp.reports import views as reports_views
from webapp.search import views as search_views
from webapp.sending_accounts import api as sending_accounts_api
from webapp.sending_accounts import views as sending_accounts_views
from webapp.settings import ROOT, Settings, get_settings
from webapp.simulator import views as simulator_views
from webapp.stats import api as stats_api
from webapp.stats import views as stats_views
from webapp.suppressions import api as suppressions_api
from webapp.suppressions import views as suppressions_views
from webapp.tenants import api as tenants_api
from webapp.tenants import views as tenants_views
from webapp.tracking import views as tracking_views
from webapp.tracking.hotpath import HitDoor
from webapp.validation import api as validation_api
from webapp.validation import views as validation_views
from webapp.webhooks import api as webhooks_api
from webapp.webhooks import views as webhooks_views

log = structlog.get_logger()

#: JSON routes, in the order the documentation lists them.
API = (
    messages_api.blp, validation_api.blp, bridges_api.blp, pools_api.blp, pace_api.blp, sending_accounts_api.blp, domains_api.blp, content_api.blp,
    contacts_api.blp, suppressions_api.blp, incidents_api.blp, log_api.blp, stats_api.blp, reports_api.blp,
    access_api.blp, accounts_api.blp, tenants_api.blp, activity_api.blp,
    webhooks_api.blp, webhooks_api.inbound,
)  # fmt: skip
PAGES = (
    health.pages, validation_views.pages, documentation_views.pages, accounts_views.pages, stats_views.pages, reports_views.pages, search_views.pages,
    messages_views.pages, bridges_views.pages, pools_views.pages, pace_views.pages, sending_accounts_views.pages, domains_views.pages,
    suppressions_views.pages, incidents_views.pages, content_views.pages, contacts_views.pages, access_views.pages, tenants_views.pages, activity_views.pages,
    webhooks_views.pages, simulator_views.pages, tracking_views.pages, backoffice_views.pages, backoffice_views.tenant_pages,
)  # fmt: skip

#: Addresses under /api/ that are not versioned: mail clients call them.
_UNVERSIONED = ("/api/v1/", "/api/t/", "/api/unsub/", "/api/preferences/")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def create_app(settings: Settings | None = None) -> Flask:
    """A ready application. Settings default to the process's own."""
    settings = settings or get_settings()
    logs.configure(settings)
    assert all_models.metadata.tables
    app = TransactionalFlask("webapp", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "webapp" / "static"))
    app.config.update(
        SECRET_KEY=keyring().derive("session")[0][1],
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_body_bytes,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SESSION_COOKIE_NAME="__Host-postbridge" if settings.cookie_secure else "postbridge",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        SESSION_COOKIE_SAMESITE="Lax",
        SEND_FILE_MAX_AGE_DEFAULT=31536000,
        WTF_CSRF_TIME_LIMIT=None,  # a dashboard may stay open for days
    )
    db.init_app(app)
    Htmx(app)
    csrf.init_app(app)
    problems.register(app)
    _before_and_after(app)
    _wire(app)
    app.context_processor(template_context)
    backoffice_doors.init(app)
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.wsgi_app = _doors(app.wsgi_app, settings)  # type: ignore[method-assign, assignment]
    return app


def _before_and_after(app: Flask) -> None:
    @app.before_request
    def _name_the_request() -> None:
        g.request_id = request.environ.get("postbridge.request_id") or new_request_id()
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _log_the_answer(response: Any) -> Any:
        response = reply.finish(pages.send_toast(response))
        metrics.REQUESTS.labels(f"{response.status_code // 100}xx").inc()
        if not request.path.startswith("/static/"):
            took = round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1)
            log.info("request", method=request.method, path=request.path, status=response.status_code, ms=took)
        return response

    @app.errorhandler(CSRFError)
    def _forged(error: CSRFError) -> Any:
        return problems.answer(Forbidden("The form is too old or came from elsewhere; load the page again and repeat it."))


def _wire(app: Flask) -> None:
    """Register what the slices offer, and hand the guard its loaders."""
    guard.loaders.key, guard.loaders.session = load_credential, load_session
    register_token_resolver(resolve_token)
    init_login(app)
    init_policy(app)
    rest = api.configure(app)
    documentation_views.describe(app, rest)
    for routes in API:
        rest.register_blueprint(routes)
        csrf.exempt(routes)  # keys, not cookies: there is no session to ride on
    app.register_blueprint(dialects_api.blp)
    csrf.exempt(dialects_api.blp)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)


def _doors(inner: Wsgi, settings: Settings) -> Wsgi:
    """What stands before Flask: believed proxies, path aliases, and the roads that must be quick."""
    doors: Wsgi = HitDoor(SendDoor(DialectDoor(_Aliases(Compressed(inner)))))
    if settings.cors_origins:
        doors = Cors(doors, settings.cors_origins)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        doors = ProxyFix(doors, x_for=n, x_proto=n, x_host=n)
    return doors


class _Aliases:
    """``/v1/...`` and unversioned ``/api/...`` reach the current version."""

    def __init__(self, inner: Wsgi) -> None:
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/v1/"):
            environ["PATH_INFO"] = "/api" + path
        elif path.startswith("/api/") and not path.startswith(_UNVERSIONED):
            environ["PATH_INFO"] = "/api/v1" + path[4:]
        return self.inner(environ, start_response)
