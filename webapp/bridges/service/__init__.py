"""Acts on bridges. A new bridge can be used at once; a deleted one cannot be used any more within five seconds, even in an open SMTP session."""

from webapp.bridges.doors import find_login, is_login_valid, note_uses, valid_credentials
from webapp.bridges.guard_rules import window_start
from webapp.bridges.queries import bridge_names, get_bridge, list_bridges, list_credentials
from webapp.bridges.service.guard import end_exemption, exempt, raise_alarm, set_limits
from webapp.bridges.service.guard_letters import AlarmLetter, list_unmailed, mark_mailed, write_letter
from webapp.bridges.service.guard_watch import (
    SeenSender,
    judge_figures,
    judge_senders,
    list_unsettled,
    note_held,
    senders_due_since,
    take_turn,
)
from webapp.bridges.service.manage import (
    BridgeInput,
    create_bridge,
    delete_bridge,
    normalise_senders,
    pause_bridge,
    resume_bridge,
    set_tracking,
    update_bridge,
)
from webapp.bridges.service.secrets import MAX_OVERLAP_DAYS, end_credential, reveal, rotate

__all__ = [
    "MAX_OVERLAP_DAYS", "AlarmLetter", "BridgeInput", "SeenSender", "bridge_names", "create_bridge", "delete_bridge", "end_credential",
    "end_exemption", "exempt", "find_login", "get_bridge", "is_login_valid", "judge_figures", "judge_senders", "list_bridges", "list_credentials",
    "list_unmailed", "list_unsettled", "mark_mailed", "normalise_senders", "note_held", "note_uses", "pause_bridge", "raise_alarm", "resume_bridge",
    "reveal", "rotate", "senders_due_since", "set_limits", "set_tracking", "take_turn", "update_bridge", "valid_credentials", "window_start",
    "write_letter",
]  # fmt: skip
