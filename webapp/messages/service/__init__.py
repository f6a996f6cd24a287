"""What one may do with messages: accept them, cancel, re-time and resend them."""

from webapp.messages.inline_images import show_inline_images
from webapp.messages.log.queries import find_row, list_latest, list_recipients
from webapp.messages.log.rows import COLUMNS as LOG_COLUMNS
from webapp.messages.log.rows import cells_of
from webapp.messages.log.types import LogFilter, LogRow, LogStatus
from webapp.messages.queries import has_any_message
from webapp.messages.rendered import parse_mail, subject_of
from webapp.messages.service.accept import accept, accept_batch, accept_many, accept_on_wire, accept_units, needs_wake, refusal_of
from webapp.messages.service.schedule import cancel_message, resend_failed, retime_message
from webapp.messages.service.sender import Sender, forget_facts
from webapp.messages.service.units import Unit, answer_of, unit_of
from webapp.messages.service.wire import Wire

__all__ = [
    "LOG_COLUMNS",
    "LogFilter",
    "LogRow",
    "LogStatus",
    "Sender",
    "Unit",
    "Wire",
    "accept",
    "accept_batch",
    "accept_many",
    "accept_on_wire",
    "accept_units",
    "answer_of",
    "cancel_message",
    "cells_of",
    "find_row",
    "forget_facts",
    "has_any_message",
    "list_latest",
    "list_recipients",
    "needs_wake",
    "parse_mail",
    "refusal_of",
    "resend_failed",
    "retime_message",
    "show_inline_images",
    "subject_of",
    "unit_of",
]
