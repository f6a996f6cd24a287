"""The doors of people: sign-in and session, second factors, what is asked of them before they go on."""

from webapp.accounts.doors.entrance import check_login, enter, join, log_in, request_reset, sign_up, this_device, with_token
from webapp.accounts.doors.factor import (
    confirm_by_code,
    confirm_by_password,
    current_waiting,
    find_waiting,
    finish,
    finish_with_code,
    has_fresh_second_factor,
    is_confirmed,
    my_factors,
    prove_by_code,
)
from webapp.accounts.doors.oidc import arrive, set_out
from webapp.accounts.doors.passkeys import (
    ask_to_make,
    ask_to_sign,
    confirm_with_passkey,
    finish_with_passkey,
    read_credential,
    sign_in_with_passkey,
    take_question,
)
from webapp.accounts.doors.policy import init_policy
from webapp.accounts.doors.session import (
    SessionDoor,
    current_person,
    delete_account,
    has_many_tenants,
    init_login,
    list_my_tenants,
    load_session,
    log_out,
    renew_cookie,
    set_cookie,
    switch_tenant,
)

__all__ = [
    "SessionDoor", "arrive", "ask_to_make", "ask_to_sign", "check_login", "confirm_by_code", "confirm_by_password", "confirm_with_passkey",
    "current_person", "current_waiting", "delete_account", "enter", "find_waiting", "finish", "finish_with_code", "finish_with_passkey",
    "has_fresh_second_factor", "has_many_tenants", "init_login", "init_policy", "is_confirmed", "join", "list_my_tenants", "load_session", "log_in",
    "log_out", "my_factors", "prove_by_code", "read_credential", "renew_cookie", "request_reset", "set_cookie", "set_out", "sign_in_with_passkey",
    "sign_up", "switch_tenant", "take_question", "this_device", "with_token",
]  # fmt: skip
