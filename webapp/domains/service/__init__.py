"""Acts on sender domains: add, prove, sign with, rotate, remove."""

from webapp.domains.queries import get_domain, list_domains, list_troubled
from webapp.domains.records import zone_file, zone_line
from webapp.domains.service.adding import add_domain, delete_domain, make_keys, new_domain, renew_challenge, update_domain
from webapp.domains.service.claims import CHALLENGE_PREFIX
from webapp.domains.service.hosts import forget_hosts, is_tracking_host
from webapp.domains.service.identity import alignment_in, alignment_of, has_verified_domain, sending_identity
from webapp.domains.service.letters import write_letter
from webapp.domains.service.notices import list_unmailed, mark_mailed
from webapp.domains.service.rotation import give_up_rotation, rotate_dkim
from webapp.domains.service.upkeep import forget_old_checks, take_due
from webapp.domains.service.verifying import recheck, records_for, score_for, verify_domain

__all__ = [
    "CHALLENGE_PREFIX", "add_domain", "alignment_in", "alignment_of", "delete_domain", "forget_hosts", "forget_old_checks", "get_domain",
    "give_up_rotation", "has_verified_domain", "is_tracking_host", "list_domains", "list_troubled", "list_unmailed", "make_keys", "mark_mailed", "new_domain",
    "recheck", "records_for", "renew_challenge", "rotate_dkim", "score_for", "sending_identity", "take_due", "update_domain", "verify_domain",
    "write_letter", "zone_file", "zone_line",
]  # fmt: skip
