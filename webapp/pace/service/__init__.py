"""Acts on the pace of sending, and what delivery reads and writes of it."""

from webapp.pace.service.holds import HOLD_SECONDS, HoldWish, add_hold, end_hold, hold_back, release_hold
from webapp.pace.service.rules import is_about_quota
from webapp.pace.service.signals import end_expired, record_replies
from webapp.pace.service.state import budget_of, load_state
from webapp.pace.service.throttles import BudgetWish, check_provider, delete_budget, end_throttle, lift_throttle, set_budget, set_throttle, write_budget
from webapp.pace.service.warmup import change_plan, count_sent, forecast_finish, forget_lost_sources, give_back, make_plans, reserve, start_days, start_warmup
from webapp.pace.types import PlanState

__all__ = [
    "HOLD_SECONDS",
    "BudgetWish",
    "HoldWish",
    "PlanState",
    "add_hold",
    "budget_of",
    "change_plan",
    "check_provider",
    "count_sent",
    "delete_budget",
    "end_expired",
    "end_hold",
    "end_throttle",
    "forecast_finish",
    "forget_lost_sources",
    "give_back",
    "hold_back",
    "is_about_quota",
    "lift_throttle",
    "load_state",
    "make_plans",
    "record_replies",
    "release_hold",
    "reserve",
    "set_budget",
    "set_throttle",
    "start_days",
    "start_warmup",
    "write_budget",
]  # fmt: skip
