"""Every permission in words, for GET /permissions and the role editor."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.kernel.permissions import Permission

#: What the first part of a permission is about, in the plural as sentences have it.
_NOUNS = {
    "activity": "the activity log", "analytics": "figures, rates and reports", "billing": "plan, usage and limits", "ip": "IP addresses",
    "key": "API keys", "logs": "the log of mail", "provider": "sending accounts", "tenant": "the organisation", "webhook": "webhook endpoints",
    "list": "contact lists", "mailbox.admin": "mailboxes", "mailbox": "mail that came in", "drip": "drips", "event": "custom events",
}  # fmt: skip
_VERBS = {"create": "Make", "read": "See", "update": "Change", "delete": "Delete", "verify": "Check the DNS records of", "manage": "Run the acts of"}
#: Those that the two tables do not say well.
_OTHERS = {
    Permission.BRIDGE_REVEAL: "See the secrets of bridges again",
    Permission.EMAIL_READ: "See messages, their content and their events",
    Permission.EMAIL_SEND: "Send, resend, re-time and cancel mail",
    Permission.EMAIL_VALIDATE: "Check addresses before sending to them",
    Permission.KEY_CREATE: "Make, change and roll API keys, with no more rights than one's own",
    Permission.KEY_DELETE: "Revoke API keys",
    Permission.LIMIT_REQUEST: "Ask for higher limits",
    Permission.SUPPRESSION_CREATE: "Put addresses on the suppression list",
    Permission.SUPPRESSION_DELETE: "Take addresses off the suppression list",
    Permission.TEAM_INVITE: "Invite people and take invitations back",
    Permission.TEAM_READ: "See members and invitations",
    Permission.TEAM_UPDATE: "Change roles of members and remove them",
}


@dataclass(frozen=True, slots=True)
class Described:
    """A permission and what it allows. ``group``: its first part."""

    name: str
    group: str
    verb: str
    description: str


def noun_of(group: str) -> str:
    """What a group of permissions is about."""
    return _NOUNS.get(group) or f"{group.replace('_', ' ').replace('.', ' ')}s"


def describe(permission: Permission) -> Described:
    """The permission in words."""
    group, _, verb = permission.value.rpartition(".")
    words = _OTHERS.get(permission) or f"{_VERBS.get(verb, verb.capitalize())} {noun_of(group)}"
    return Described(permission.value, group, verb, words)


def describe_all() -> list[Described]:
    """Every permission, in alphabetical order."""
    return [describe(permission) for permission in sorted(Permission)]


def wildcards() -> list[tuple[str, str]]:
    """The patterns that stand for several permissions, and what each allows."""
    groups = sorted({described.group for described in describe_all()})
    return [("*", "Everything"), ("*.read", "See everything"), *((f"{group}.*", f"Everything about {noun_of(group)}") for group in groups)]
