"""A sending lane for each customer, made through the API alone, from an empty tenant: domain, relay, pool, bridges, role, key, webhook; then mail.

    export POSTBRIDGE_URL=https://mail.example.com POSTBRIDGE_API_KEY=mp_live_...   # a key with the role root:full
    python examples/provision.py --domain your-domain.com --relay smtp.example.com --relay-user you --relay-password ... \\
        --webhook https://your-app.example/hooks --to customer@example.net

It writes the records to publish into a zone file, waits until they are seen, and tells each step on standard error; at the end stands one JSON object.
Needs the package in clients/python.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from postbridge_client import Conflict, NotAuthenticated, Postbridge, etag

CUSTOMERS = ("acme", "globex")
FINAL = {"delivered", "bounced", "failed", "suppressed", "sandboxed"}


def say(text: str) -> None:
    """Progress, for whoever watches."""
    sys.stderr.write(f"{text}\n")


@dataclass
class Lane:
    """What was made. ``tokens``: of each customer's bridge, by which its application sends."""

    domain_id: str
    provider_id: str
    pool_id: str
    bridges: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


def verify_domain(client: Postbridge, name: str, zone_file: Path, patience: float) -> str:
    """Add a domain, write what to publish, and wait until it is seen; its id."""
    made = client.create_domain(domain=name)
    zone_file.write_text(client.get_domain_records(made["id"])["zone_file"])
    say(f"{name}: publish the records in {zone_file}")
    deadline = time.monotonic() + patience
    while client.verify_domain(made["id"])["status"] != "verified":
        if time.monotonic() > deadline:
            raise SystemExit(f"{name} was not verified within {patience:.0f} s; the records are in {zone_file}")
        time.sleep(1)
    say(f"{name}: verified, score {client.get_domain_score(made['id'])['score']}")
    return made["id"]


def build_lane(client: Postbridge, wanted: argparse.Namespace) -> Lane:
    """Domain, relay, pool, and a bridge for each customer. Names of requests make a second run find the first one's objects."""
    domain_id = verify_domain(client, wanted.domain, wanted.zone_file, wanted.patience)
    relay = client.create_provider(
        name="Relay", host=wanted.relay, port=wanted.relay_port, tls=wanted.relay_tls, username=wanted.relay_user, password=wanted.relay_password
    )
    tried = client.test_provider(relay["id"])
    if not tried["ok"]:
        raise SystemExit(f"The relay does not take us: {tried['summary']}")
    pool = client.create_pool(name="Customers")
    client.add_pool_member(pool["id"], sending_account_id=relay["id"])
    lane = Lane(domain_id, relay["id"], pool["id"])
    for customer in CUSTOMERS:
        bridge = client.create_bridge(name=customer, pool_id=pool["id"], allowed_from=[wanted.domain], idempotency_key=f"bridge-{customer}")
        lane.bridges[customer], lane.tokens[customer] = bridge["id"], bridge["credentials"]["api"]["token"]
        say(f"{customer}: bridge {bridge['id']}")
    return lane


def make_key(client: Postbridge, networks: list[str]) -> dict[str, Any]:
    """A role that may send and read, and a key of it that only works from these networks, 300 times a minute."""
    role = client.create_role(name="Sender", description="Sends, and sees what became of it", permissions=["email.send", "email.read"])
    made = client.create_key(name="Customer portal", mode="live", role=role["id"], allowed_networks=networks, rate_limit=300)
    # Somebody else may be changing the role at the same time: change only what we have seen.
    seen = client.get_role(role["id"])
    client.update_role(role["id"], permissions=[*seen["permissions"], "logs.read"], if_match=etag(seen))
    try:
        client.update_role(role["id"], name="Too late", if_match=etag(seen))
    except Conflict:
        say("role: a change on top of an old state is refused")
    return {"role_id": role["id"], "key_id": made["id"], "key": made["key"]}


def follow(client: Postbridge, message_id: str, patience: float = 60) -> Any:
    """The message once all its recipients have come to an end."""
    deadline = time.monotonic() + patience
    while True:
        message = client.get_email(message_id)
        if {recipient["status"] for recipient in message["recipients"]} <= FINAL or time.monotonic() > deadline:
            return message
        time.sleep(0.3)


def send_live(wanted: argparse.Namespace, lane: Lane, key: str) -> dict[str, Any]:
    """Each customer sends through its own bridge, with the bridge's token; one more goes with the key. What became of them."""
    ended: dict[str, Any] = {}
    for customer, token in lane.tokens.items():
        with Postbridge(wanted.url, token) as application:
            sent = application.send_email(
                from_=f"{customer}@{wanted.domain}",
                to=wanted.to,
                subject=f"Hello from {customer}",
                text="It works",
                tags=[customer],
                idempotency_key=f"hello-{customer}",
            )
            ended[customer] = follow(application, sent["id"])
            say(f"{customer}: {ended[customer]['status']}")
    with Postbridge(wanted.url, key) as portal:
        sent = portal.send_email(from_=f"portal@{wanted.domain}", to=wanted.to, subject="From the portal", text="It works", bridge=lane.bridges["acme"])
        ended["portal"] = follow(portal, sent["id"])
    return {
        name: {"id": message["id"], "status": message["status"], "events": [event["type"] for event in message["events"]]} for name, message in ended.items()
    }


def send_sandbox(client: Postbridge, wanted: argparse.Namespace) -> str:
    """A sandbox key captures: nothing is dialled, whoever it is for."""
    made = client.create_key(name="Tests of the portal", mode="sandbox", role="root:sending")
    with Postbridge(wanted.url, made["key"]) as tests:
        sent = tests.send_email(from_="anybody@anywhere.example", to="nobody@anywhere.example", subject="A try", text="It works")
    client.revoke_key(made["id"])
    return sent["status"]


def rotate_and_revoke(client: Postbridge, wanted: argparse.Namespace, lane: Lane, access: dict[str, Any]) -> dict[str, bool]:
    """New credentials for a bridge, the old ones end at once; a new secret for the key, then its end. Whether each old one is refused."""
    new = client.rotate_bridge(lane.bridges["acme"], overlap_days=0)["credentials"]["api"]["token"]
    rolled = client.roll_key(access["key_id"], overlap_seconds=0)
    refused = {"old bridge token": is_refused(wanted.url, lane.tokens["acme"]), "old key": is_refused(wanted.url, access["key"])}
    client.revoke_key(rolled["id"])
    refused["revoked key"] = is_refused(wanted.url, rolled["key"])
    lane.tokens["acme"] = new
    return refused


def is_refused(url: str, key: str, patience: float = 10) -> bool:
    """Whether a credential stops working; that takes five seconds at most."""
    deadline = time.monotonic() + patience
    with Postbridge(url, key) as client:
        while time.monotonic() < deadline:
            try:
                client.list_permissions()
            except NotAuthenticated:
                return True
            time.sleep(0.25)
    return False


def read_back(client: Postbridge, lane: Lane) -> dict[str, Any]:
    """Figures, the log, and who did what."""
    figures = {customer: client.get_bridge_stats(bridge, days=1)["totals"] for customer, bridge in lane.bridges.items()}
    return {
        "figures": {customer: {name: totals[name] for name in ("accepted", "sent", "delivered", "bounced")} for customer, totals in figures.items()},
        "log": [{"to": row["recipient"], "subject": row["subject"], "status": row["status"]} for row in client.iter_logs(limit=10)],
        "activity": [f"{entry['action']} {(entry['object'] or {}).get('name') or ''}".strip() for entry in client.list_activity(limit=30).items],
    }


def options(argv: list[str]) -> argparse.Namespace:
    """What is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="default: POSTBRIDGE_URL")
    parser.add_argument("--key", help="default: POSTBRIDGE_API_KEY")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--zone-file", type=Path, default=Path("postbridge-records.zone"))
    parser.add_argument("--relay", required=True)
    parser.add_argument("--relay-port", type=int, default=587)
    parser.add_argument("--relay-tls", default="required", choices=["required", "implicit", "opportunistic", "none"])
    parser.add_argument("--relay-user")
    parser.add_argument("--relay-password")
    parser.add_argument("--webhook", required=True)
    parser.add_argument("--network", action="append", help="network the key works from; may be given several times (default: everywhere)")
    parser.add_argument("--to", required=True)
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for DNS")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Everything, one after the other."""
    wanted = options(argv)
    with Postbridge(wanted.url, wanted.key) as client:
        wanted.url = wanted.url or client.url
        lane = build_lane(client, wanted)
        hook = client.create_webhook(url=wanted.webhook, description="Customer portal", events=["email.delivered", "email.bounced"])
        secret = hook["secret"]
        client.test_webhook(hook["id"])
        access = make_key(client, wanted.network or [])
        sent = send_live(wanted, lane, access["key"])
        sandbox = send_sandbox(client, wanted)
        refused = rotate_and_revoke(client, wanted, lane, access)
        report = {"lane": lane.bridges, "webhook": {"id": hook["id"], "secret": secret}, "sent": sent, "sandbox": sandbox, "refused": refused}
        sys.stdout.write(json.dumps(report | read_back(client, lane), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
