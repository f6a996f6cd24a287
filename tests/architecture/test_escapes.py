"""The ways round a guard are few, and each is on a list."""

from __future__ import annotations

import ast

from tests.architecture.source import files, name, parsed

#: Files that may look at all tenants at once, each with the reason.
UNSCOPED = {
    "webapp/bootstrap.py": "makes the platform's own tenant and the first staff",
    "webapp/demo.py": "makes the demo tenant",
    "webapp/cli/guard.py": "the operator's view of all bridges that were stopped",
    "webapp/cli/queue.py": "the operator's view of all mail under way",
    "webapp/suppressions/views/platform.py": "the operator's own list, and alarms of all tenants",
    "webapp/incidents/views/platform.py": "staff undoes bounces of all tenants",
    "webapp/cli/suppressions.py": "the operator's own list, and alarms of all tenants",
    "webapp/cli/incidents.py": "the operator undoes bounces of all tenants",
    "webapp/contacts/views/opt_in.py": "a confirmation link names its list, not its tenant",
    "worker/jobs/contacts.py": "files of contacts and questions to new members, of all tenants",
    "worker/jobs/suppressions.py": "clears and finishes what belongs to all tenants",
    "webapp/webhooks/api/inbound.py": "a report of an MTA names a recipient, not its tenant",
    "worker/jobs/events.py": "events of all tenants wait in one outbox",
    "worker/jobs/webhooks.py": "deliveries, replays and letters of all tenants wait in one queue each",
    "worker/jobs/reports.py": "so does the report when it is applied",
    "webapp/tracking/stopped.py": "a link names its message, not its tenant",
    "webapp/tracking/views.py": "an unsubscribe link names its recipient, not its tenant",
    "webapp/domains/service/claims.py": "a claim looks whether another tenant holds the name, and a proven one ends the other's",
    "webapp/domains/service/hosts.py": "a Host header says which domain is asked, not whose it is",
    "worker/jobs/domains.py": "takes the checks and notices of all tenants that are due",
    "webapp/health.py": "readiness belongs to the platform",
    "webapp/metrics.py": "figures without tenants",
    "worker/jobs/mail.py": "finds the platform's own tenant",
    "webapp/cli/routing.py": "the operator's own addresses, and facts about other people's domains",
    "webapp/cli/user.py": "people belong to no tenant by themselves",
    "webapp/accounts/doors/session.py": "a cookie says who comes, not for which tenant",
    "webapp/accounts/doors/entrance.py": "an address or a mailed token says who comes, not for which tenant",
    "webapp/accounts/doors/oidc.py": "an identity provider says who comes, not for which tenant",
    "webapp/accounts/doors/passkeys.py": "so are passkeys",
    "webapp/accounts/doors/factor.py": "second factors are a person's, whatever tenant they work for",
    "webapp/access/doors.py": "an API key says which tenant it belongs to",
    "webapp/bridges/doors.py": "so does an SMTP login",
    "webapp/kernel/resealing.py": "the key ring is the platform's, and rotated for all tenants at once",
    "webapp/kernel/heartbeat.py": "processes belong to the platform",
    "worker/dispatch/dispatcher.py": "claims due recipients fairly over all tenants",
    "worker/dispatch/routes.py": "routes and pools of what was claimed",
    "worker/jobs/delivery.py": "sweeps expired leases",
    "worker/jobs/pace.py": "days of warm-up and throttles of all tenants",
    "webapp/pace/views/platform.py": "staff sees and lifts the throttles of all tenants",
    "webapp/cli/pace.py": "the operator's hand on the pace of all tenants",
    "worker/jobs/guard.py": "watches the bridges of all tenants",
    "worker/jobs/accounts.py": "tenants that end, whichever they are",
    "worker/jobs/backoffice.py": "letters, sessions, limits and mail of all tenants",
    "webapp/backoffice/views/scopes.py": "staff acts on the platform itself",
    "webapp/backoffice/views/people.py": "staff belong to no tenant",
    "webapp/backoffice/views/platform.py": "staff looks at queues, workers and what staff did",
    "webapp/backoffice/views/queue.py": "staff judges what all tenants ask",
    "webapp/backoffice/views/session.py": "staff chooses for whom to act",
    "webapp/backoffice/views/tenants.py": "staff looks at all tenants",
    "webapp/backoffice/doors/gate.py": "the token of a support session says for which tenant",
    "worker/jobs/stats.py": "folds everybody's deltas",
    "worker/dispatch/gatekeeper.py": "asks for the suppressions of what was claimed",
    "worker/dispatch/transport.py": "facts about other people's domains",
    "worker/jobs/attachments.py": "days of attachments of all tenants",
    "worker/jobs/exports.py": "reports of all tenants wait in one queue",
    "worker/jobs/maintenance.py": "partitions, retention and what is over, of all tenants",
    "worker/ticker.py": "looks what is due, whosever it is",
    "worker/webhooks/engine.py": "deliveries of all tenants wait in one queue",
    "worker/smtp/inbound.py": "a return path names its recipient, not its tenant",
    "worker/smtp/return_hosts.py": "so does the question where it may stand",
    "worker/smtp/simulated_mailbox.py": "so does mail at the simulator",
    "worker/jobs/tracking.py": "a hit names its recipient, not its tenant",
}

#: Names that run text as a program; nobody needs them.
DANGEROUS = {"eval", "exec", "__import__"}


def _calls(tree: ast.Module) -> set[str]:
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {func.id if isinstance(func, ast.Name) else func.attr for func in called if isinstance(func, ast.Name | ast.Attribute)}


def test_only_listed_files_look_at_all_tenants() -> None:
    using = {name(path) for path in files(".py", under=("webapp", "worker")) if {"unscoped", "unscoped_raw"} & _calls(parsed(path))}
    assert using - set(UNSCOPED) == set()


def test_the_list_holds_no_leftovers() -> None:
    using = {name(path) for path in files(".py", under=("webapp", "worker")) if {"unscoped", "unscoped_raw"} & _calls(parsed(path))}
    assert set(UNSCOPED) - using == set()


def test_nothing_runs_text_as_a_program() -> None:
    called = ((name(path), node) for path in files(".py", under=("webapp", "worker")) for node in ast.walk(parsed(path)))
    calls = ((where, node.func.id) for where, node in called if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    assert not [(where, function) for where, function in calls if function in DANGEROUS]
