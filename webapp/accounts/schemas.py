"""What people type into the account forms, and what the team API takes and answers."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from webapp.accounts.passwords import MAX_LENGTH
from webapp.accounts.types import MemberRole
from webapp.kernel.addresses import parse_address
from webapp.kernel.schema import EmailAddress, Id, Line, Rfc3339, Schema
from webapp.kernel.scope import Mode

_ROLES = [role.value for role in MemberRole]
_NAME = validate.Length(1, 100, error="Give a name of 1 to 100 characters.")


class LoginAddress(EmailAddress):
    """An address that names an account: in lower case, so that Anna@ and anna@ are the same person."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        return parse_address(super()._deserialize(value, attr, data, **kwargs)).canonical


def _password(**kwargs: object) -> fields.String:
    return fields.String(required=True, validate=validate.Length(max=MAX_LENGTH, error=f"Use at most {MAX_LENGTH} characters."), **kwargs)  # type: ignore[arg-type]


class LoginForm(Schema):
    """Log in."""

    email = LoginAddress(required=True)
    password = _password()


class SignUpForm(Schema):
    """Make an account and a tenant."""

    name = Line(required=True, validate=_NAME)
    tenant_name = Line(required=True, validate=validate.Length(1, 120, error="Give a name of 1 to 120 characters."))
    email = LoginAddress(required=True)
    password = _password()


class AddressForm(Schema):
    """Ask for a reset mail."""

    email = LoginAddress(required=True)


class NewPasswordForm(Schema):
    """Choose a password by a mailed token."""

    token = fields.String(required=True, validate=validate.Length(max=200))
    password = _password()


class JoinForm(Schema):
    """Accept an invitation: with a name when the person is new."""

    token = fields.String(required=True, validate=validate.Length(max=200))
    name = Line(validate=_NAME, load_default=None)
    password = fields.String(load_default=None, validate=validate.Length(max=MAX_LENGTH))


class TokenForm(Schema):
    """Use a mailed token."""

    token = fields.String(required=True, validate=validate.Length(max=200))


class ProfileForm(Schema):
    """One's own name."""

    name = Line(required=True, validate=_NAME)


class EmailForm(Schema):
    """One's own new address."""

    email = LoginAddress(required=True)
    current_password = _password()


class PasswordForm(Schema):
    """Change one's password."""

    current_password = _password()
    new_password = _password()


class CodeForm(Schema):
    """A code of an authenticator app, or a recovery code."""

    code = Line(required=True, validate=validate.Length(1, 40, error="Give the six digits of your app, or a recovery code."))


class ProofForm(Schema):
    """Prove who one is: by code, or by password where there is no second factor."""

    code = Line(validate=validate.Length(max=40), load_default=None)
    password = fields.String(load_default=None, validate=validate.Length(max=MAX_LENGTH))


class SwitchForm(Schema):
    """A switch."""

    on = fields.Boolean(load_default=False)


class DeleteTenantForm(Schema):
    """Delete the tenant: its name, typed."""

    tenant_name = Line(required=True, validate=validate.Length(max=120))


class DeleteAccountForm(Schema):
    """Delete one's account: its address, typed."""

    confirm_email = Line(required=True, validate=validate.Length(max=320))


class PasskeyNameForm(Schema):
    """Name a passkey."""

    name = Line(required=True, validate=validate.Length(1, 60, error="Give a name of 1 to 60 characters."))


class PasskeyForm(PasskeyNameForm):
    """A passkey that the browser made, as JSON."""

    credential = fields.String(required=True, validate=validate.Length(max=20_000))


class TenantForm(Schema):
    """The tenant's name."""

    name = Line(required=True, validate=validate.Length(1, 120, error="Give a name of 1 to 120 characters."))


class SwitchTenantForm(Schema):
    """Work for another tenant."""

    tenant = Id(required=True)


class ModeForm(Schema):
    """Show live or sandbox."""

    mode = fields.Enum(Mode, by_value=True, required=True)


class InvitationIn(Schema):
    """Invite somebody."""

    email = LoginAddress(required=True, metadata={"example": "dana@example.com"})
    role = fields.Enum(MemberRole, by_value=True, load_default=MemberRole.DEVELOPER, metadata={"example": "developer"})


class RoleForm(Schema):
    """Give a member another role."""

    role = fields.Enum(MemberRole, by_value=True, required=True, metadata={"example": "viewer"})


class MemberQuery(Schema):
    """Filter of the list of members."""

    class Meta:
        unknown = ma.EXCLUDE

    search = Line(load_default=None, validate=validate.Length(max=200), metadata={"description": "In name and address."})
    role = fields.Enum(MemberRole, by_value=True, load_default=None)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None)


class MemberOut(Schema):
    """A person in the tenant."""

    id = fields.UUID(attribute="user_id", metadata={"description": "The person's id."})
    name = fields.String()
    email = fields.Email()
    role = fields.String(metadata={"enum": _ROLES})
    created_at = Rfc3339()
    last_login_at = Rfc3339(metadata={"nullable": True})


class InvitationOut(Schema):
    """An invitation that waits for an answer."""

    id = fields.UUID()
    email = fields.Email()
    role = fields.String(metadata={"enum": _ROLES})
    created_at = Rfc3339()
    updated_at = Rfc3339()
    expires_at = Rfc3339()
