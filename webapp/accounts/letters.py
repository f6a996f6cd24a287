"""The texts of the platform's own mail: one HTML and one text template a purpose, under templates/emails."""

from __future__ import annotations

import functools

import jinja2

from webapp.accounts.types import Letter, TokenPurpose
from webapp.settings import ROOT, get_settings

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
    texts = {end: _templates().get_template(f"{purpose.value}.{end}").render(values, subject=subject) for end in ("txt", "html")}
    return Letter(to, subject, texts["txt"], texts["html"], purpose)


@functools.cache
def _templates() -> jinja2.Environment:
    """Own environment: letters are written by jobs, which know no Flask."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates" / "emails"), undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
