"""Acts on people, their sessions and their membership. Those without a ``Scope`` are a person's own, whatever tenant they work for."""

from webapp.accounts.service.challenges import close_challenge, find_challenge, open_challenge
from webapp.accounts.service.ending import ask_for_end, delete_account, keep, require_factor
from webapp.accounts.service.factors import begin_totp, confirm_totp, note_proof, remove_totp, renew_codes, reset_factors, take_code
from webapp.accounts.service.identities import find_identity, link_identity, note_identity_use, unlink_identity
from webapp.accounts.service.members import accept_invitation, change_role, invite, remove_member, resend_invitation, reset_member_factors, withdraw_invitation
from webapp.accounts.service.passkeys import add_passkey, check_passkey, creation_options, remove_passkey, rename_passkey, request_options
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
    undo_email_change,
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
from webapp.accounts.service.sign_ins import note_sign_in
from webapp.accounts.service.tokens import list_waiting, request_token, take_letter

__all__ = [
    "NewAccount", "SignedUp", "accept_invitation", "add_member", "add_passkey", "ask_for_end", "begin_totp", "change_password", "change_role",
    "check_passkey", "close_challenge", "confirm_email_change", "confirm_totp", "create_account", "create_user", "creation_options",
    "delete_account", "end_session", "end_sessions", "find_challenge", "find_identity", "invite", "keep", "link_identity", "list_waiting",
    "make_staff", "note_identity_use", "note_proof", "note_sign_in", "note_use", "open_challenge", "open_session", "remove_member", "remove_passkey",
    "remove_totp", "rename_passkey", "rename_user", "renew_codes", "request_email_change", "request_options", "request_reset", "request_token",
    "require_factor", "resend_invitation", "reset_factors", "reset_member_factors", "reset_password", "rotate_session", "set_password", "sign_up",
    "switch_mode", "switch_tenant", "take_code", "take_letter", "undo_email_change", "unlink_identity", "withdraw_invitation",
]  # fmt: skip
