"""Acts on people, their sessions and their membership. Those without a ``Scope`` are a person's own, whatever tenant they work for."""

from webapp.accounts.service.members import accept_invitation, change_role, invite, remove_member, resend_invitation, withdraw_invitation
from webapp.accounts.service.people import (
    NewAccount,
    SignedUp,
    add_member,
    change_password,
    confirm_email_change,
    create_account,
    create_user,
    make_staff,
    rename_user,
    request_email_change,
    request_reset,
    reset_password,
    set_password,
    sign_up,
)
from webapp.accounts.service.sessions import (
    end_session,
    end_sessions,
    note_use,
    open_session,
    rotate_session,
    switch_mode,
    switch_tenant,
)
from webapp.accounts.service.tokens import list_waiting, request_token, take_letter

__all__ = [
    "NewAccount", "SignedUp", "accept_invitation", "add_member", "change_password", "change_role", "confirm_email_change", "create_account",
    "create_user", "end_session", "end_sessions", "invite", "list_waiting", "make_staff", "note_use", "open_session", "remove_member", "rename_user",
    "request_email_change", "request_reset", "request_token", "resend_invitation", "reset_password", "rotate_session", "set_password", "sign_up",
    "switch_mode", "switch_tenant", "take_letter", "withdraw_invitation",
]  # fmt: skip
