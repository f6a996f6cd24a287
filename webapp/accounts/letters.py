"""The texts of the platform's own mail: one HTML and one text template a purpose, under templates/emails."""

from __future__ import annotations

from webapp.accounts.types import Letter, TokenPurpose
from webapp.kernel.letters import render_letter
from webapp.settings import get_settings

_SUBJECTS = {
    TokenPurpose.RESET_PASSWORD: "Choose a new password",
    TokenPurpose.INVITATION: "You are invited to join {tenant}",
    TokenPurpose.SIGN_UP_AGAIN: "You already have an account",
    TokenPurpose.CHANGE_EMAIL: "Confirm your new address",
}


def write_letter(purpose: TokenPurpose, to: str, link: str, tenant_name: str, role: str) -> Letter:
    """Render the letter of one purpose to one address."""
    values = {"link": link, "tenant": tenant_name, "role": role, "to": to, "base": get_settings().public_url.rstrip("/")}
    subject = _SUBJECTS[purpose].format(tenant=tenant_name)
    text, html = render_letter(purpose.value, **values, subject=subject)
    return Letter(to, subject, text, html, purpose)
