"""`postbridge user`: make people, give them passwords, put them into tenants and onto the staff."""

from __future__ import annotations

import click

from webapp.accounts import queries, service
from webapp.accounts.passwords import check_password, hash_password
from webapp.accounts.types import MemberRole
from webapp.cli.tenant import operator_scope
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound
from webapp.kernel.secrets import random_token
from webapp.tenants.types import TenantStatus


class EmailType(click.ParamType[str]):
    """An address as accounts know it: canonical, in lower case."""

    name = "email"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The canonical form, or click's own error."""
        try:
            return parse_address(str(value)).canonical
        except BadAddress as error:
            return self.fail(str(error), param, ctx)


EMAIL = EmailType()


@click.group()
def user() -> None:
    """People who log in."""


@user.command()
@click.argument("email", type=EMAIL)
@click.option("--name", help="Left out: the part before the @.")
@click.option("--tenant", "slug", help="Slug of an existing tenant to join.")
@click.option("--new-tenant", help="Name of a tenant to make, with this person as owner.")
@click.option("--approved", is_flag=True, help="Approve the new tenant at once.")
@click.option("--role", type=click.Choice([role.value for role in MemberRole]), default="developer", show_default=True, help="In --tenant.")
@click.option("--password", help="Left out: a random one is printed. Beware of the shell's history.")
def create(email: str, name: str | None, slug: str | None, new_tenant: str | None, approved: bool, role: str, password: str | None) -> None:
    """Make a person, alone, in a tenant, or with a new one."""
    if slug and new_tenant:
        raise click.UsageError("Give --tenant or --new-tenant, not both.")
    called, plain = name or email.partition("@")[0], _password(password, email)
    if new_tenant:
        status = TenantStatus.APPROVED if approved else TenantStatus.SANDBOX
        with unscoped("command line") as session:
            made = service.create_account(session, service.NewAccount(email, called, new_tenant, hash_password(plain)), status=status)
            click.echo(f"Tenant {made.tenant.slug} is made.")
    elif slug:
        with operator_scope(slug) as scope:
            service.add_member(scope, service.create_user(scope.session, email, called, hash_password(plain)), MemberRole(role))
    else:
        with unscoped("command line") as session:
            service.create_user(session, email, called, hash_password(plain))
    _tell(email, plain, shown=password is None)


@user.command()
@click.argument("email", type=EMAIL)
@click.option("--name", help="For a new person; left out: the part before the @.")
@click.option("--remove", is_flag=True, help="Take the staff console away.")
def staff(email: str, name: str | None, remove: bool) -> None:
    """Give a person, new or known, the staff console."""
    plain = _password(None, email)
    with unscoped("command line") as session:
        if queries.find_user(session, email) is None:
            if remove:
                raise NotFound("user")
            service.create_user(session, email, name or email.partition("@")[0], hash_password(plain), is_staff=True)
            _tell(email, plain, shown=True)
            return
        service.make_staff(session, email, not remove)
    click.echo(f"{email} is {'no longer ' if remove else ''}staff.")


@user.command("password")
@click.argument("email", type=EMAIL)
def set_password(email: str) -> None:
    """Give a person a new random password; ends all their sessions."""
    plain = _password(None, email)
    with unscoped("command line") as session:
        person = queries.find_user(session, email)
        if person is None:
            raise NotFound("user")
        service.set_password(session, person, plain)
    _tell(email, plain, shown=True)


@user.command("reset-factors")
@click.argument("email", type=EMAIL)
def reset_factors(email: str) -> None:
    """Take a person's second factors away, who lost them all; ends their sessions and tells them by mail."""
    with unscoped("command line") as session:
        person = queries.find_user(session, email)
        if person is None:
            raise NotFound("user")
        service.reset_factors(session, person, "The operator of this server")
    click.echo(f"{email} signs in with the password alone, once. They are told by mail.")


@user.command("list")
def list_users() -> None:
    """Show everybody with their tenants."""
    with unscoped("command line") as session:
        for person in queries.list_users(session):
            tenants = ", ".join(f"{tenant.slug} ({role.value})" for tenant, role in queries.list_tenants_of(session, person.id))
            click.echo(f"{person.email:<40} {'staff ' if person.is_staff else '      '}{tenants}")


def _password(given: str | None, email: str) -> str:
    if given is None:
        return random_token(120)
    check_password(given, (email,))
    return given


def _tell(email: str, plain: str, *, shown: bool) -> None:
    click.echo(f"{email} can log in." + (f" Password: {plain}" if shown else ""))
