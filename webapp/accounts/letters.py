"""The texts of the platform's own mail: one HTML and one text template a purpose, under templates/emails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.accounts.types import Letter, NoticeKind, TokenPurpose
from webapp.kernel.letters import render_letter
from webapp.settings import get_settings

_SUBJECTS = {
    TokenPurpose.RESET_PASSWORD: "Choose a new password",
    TokenPurpose.INVITATION: "You are invited to join {tenant}",
    TokenPurpose.SIGN_UP_AGAIN: "You already have an account",
    TokenPurpose.CHANGE_EMAIL: "Confirm your new address",
    TokenPurpose.UNDO_EMAIL: "The address of your account was changed",
}
_NOT_YOU = (
    "If this was not you, somebody else is in your account: open your security settings, sign out every other session, choose a new password, "
    "and look at your second factors."
)
#: Kind of notice -> subject, and its paragraphs. Braces are filled with what the notice carries.
_NOTICES: Mapping[NoticeKind, tuple[str, tuple[str, ...]]] = {
    NoticeKind.NEW_DEVICE: ("New sign-in to your account", ("Somebody signed in as you from a device or network that was not seen here before.", _NOT_YOU)),
    NoticeKind.PASSWORD_CHANGED: ("Your password was changed", ("Your password was changed, and every other session was signed out.", _NOT_YOU)),
    NoticeKind.TOTP_ADDED: ("An authenticator app was added", ("From now on you give a code of your authenticator app when you sign in.", _NOT_YOU)),
    NoticeKind.TOTP_REMOVED: ("Your authenticator app was removed", ("No code of an authenticator app is asked for any more.", _NOT_YOU)),
    NoticeKind.PASSKEY_ADDED: ("A passkey was added", ("The passkey “{name}” was added to your account. You can sign in with it.", _NOT_YOU)),
    NoticeKind.PASSKEY_REMOVED: ("A passkey was removed", ("The passkey “{name}” was removed from your account.", _NOT_YOU)),
    NoticeKind.RECOVERY_CODE_USED: (
        "A recovery code was used",
        ("A recovery code stood in for your second factor. You have {left} left; make new ones before they run out.", _NOT_YOU),
    ),
    NoticeKind.FACTORS_RESET: (
        "Your second factors were removed",
        (
            "{by} removed your authenticator app, passkeys and recovery codes, and you were signed out everywhere.",
            "Sign in with your password and set up a second factor again.",
            "If you did not ask for this, talk to them, and choose a new password.",
        ),
    ),
    NoticeKind.IDENTITY_ADDED: ("Single sign-on was connected", ("You can now sign in as {email} at {issuer}.", _NOT_YOU)),
    NoticeKind.TENANT_ENDS: (
        "{tenant} will be deleted",
        (
            "{by} asked for {tenant} and everything in it to be deleted: bridges, domains, keys, contacts, messages and figures.",
            "It happens on {when} (UTC). Until then everything goes on as before.",
            "Any owner can stop this on the page Settings.",
        ),
    ),
    NoticeKind.TENANT_STAYS: ("{tenant} will not be deleted", ("{by} stopped the deletion of {tenant}. Everything stays as it is.",)),
    NoticeKind.ACCOUNT_DELETED: ("Your account was deleted", ("Your account, its sessions and its second factors are deleted. Goodbye, and thank you.",)),
}
_FACTS = (("device", "Device"), ("address", "Address"), ("method", "Signed in by"), ("at", "Time"))


def write_letter(purpose: TokenPurpose, to: str, link: str, tenant_name: str, role: str, data: Mapping[str, Any] | None = None) -> Letter:
    """Render the letter of one purpose to one address. ``data``: what a notice tells."""
    values = {"link": link, "tenant": tenant_name, "role": role, "to": to, "base": get_settings().public_url.rstrip("/")}
    if purpose is TokenPurpose.NOTICE:
        return _write_notice(to, values, data or {})
    subject = _SUBJECTS[purpose].format(tenant=tenant_name)
    text, html = render_letter(purpose.value, **values, subject=subject, data=dict(data or {}))
    return Letter(to, subject, text, html, purpose)


def _write_notice(to: str, values: Mapping[str, str], data: Mapping[str, Any]) -> Letter:
    title, texts = _NOTICES[NoticeKind(data["kind"])]
    subject = _line(title.format_map(data))
    paragraphs = [text.format_map(data) for text in texts]
    facts = [(label, data[name]) for name, label in _FACTS if data.get(name)]
    text, html = render_letter("account_notice", **values, subject=subject, paragraphs=paragraphs, facts=facts, label="Open your security settings")
    return Letter(to, subject, text, html, TokenPurpose.NOTICE)


def _line(text: str) -> str:
    """Names come from people: what breaks a line does not get into a header."""
    return " ".join(text.split())
