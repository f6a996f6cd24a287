"""Asking for reports, and making them piece by piece."""

from webapp.reports.service.asking import ask_for_figures, ask_for_log, delete_report
from webapp.reports.service.making import Claimed, claim_report, make_some

__all__ = ["Claimed", "ask_for_figures", "ask_for_log", "claim_report", "delete_report", "make_some"]
