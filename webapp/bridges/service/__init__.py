"""Acts on bridges. A new bridge can be used at once; a deleted one cannot be used any more within five seconds, even in an open SMTP session."""

from webapp.bridges.doors import find_login, is_login_valid, note_uses, valid_credentials
from webapp.bridges.queries import bridge_names, get_bridge, list_bridges, list_credentials
from webapp.bridges.service.manage import (
    MAX_BRIDGES,
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
    "MAX_BRIDGES", "MAX_OVERLAP_DAYS", "BridgeInput", "bridge_names", "create_bridge", "delete_bridge", "end_credential", "find_login", "get_bridge",
    "is_login_valid", "list_bridges", "list_credentials", "normalise_senders", "note_uses", "pause_bridge", "resume_bridge", "reveal", "rotate",
    "set_tracking", "update_bridge", "valid_credentials",
]  # fmt: skip
