"""The far end misbehaves: F11 (every kind of refusal), F13 (connections that drop in mid-message or after the dot)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.ledger import Figures, count, drain, wait_until
from tests.chaos.load import ApiLoad, Load
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run


@dataclass(frozen=True)
class Expected:
    """What a reply must be judged as: its class, whether it is tried again, whether the address is suppressed."""

    reply_class: str
    retry: bool
    suppress: bool = False


REPLIES = {
    "r421": Expected("throttle", True),
    "r450": Expected("greylist", True),
    "r451": Expected("temporary", True),
    "r452": Expected("soft.mailbox_full", True),
    "r550": Expected("hard.unknown_user", False, True),
    "r552": Expected("soft.mailbox_full", True),
    "r553": Expected("hard.unknown_user", False, True),
    "r554": Expected("block.reputation", True),
    "d421": Expected("throttle", True),
    "d451": Expected("temporary", True),
    "d552": Expected("content", False),
    "d554": Expected("content", False),
    "multi": Expected("hard.unknown_user", False, True),
    "garbage": Expected("net", True),
}
#: A minute's gap becomes an eighth of a second, an hour's rest seven seconds.
_QUICKLY = {"POSTBRIDGE_RETRY_SCALE": "0.002", "POSTBRIDGE_SMTP_TIMEOUT_SCALE": "0.05"}

#: A small message is on its way with its final dot before the reset arrives: then nobody can know.
_JUDGED_AS = {"dropmid": ("net", "unknown_after_data"), "dropdot": ("unknown_after_data",), "taken": ("unknown_after_data",)}

_JUDGED = """
select split_part(r.address, '-', 1), a.reply_class, count(*),
  count(*) filter (where exists (select from queue_entries q where q.recipient_id = r.id)),
  count(*) filter (where exists (select from suppressions s where s.address = r.address))
from recipients r join delivery_attempts a on a.recipient_id = r.id and a.number = 1 group by 1, 2
"""


def refusals(run: Run) -> Figures:
    """F11: each reply is judged, retried and suppressed by the table. Recovery: from the far end's recovery until the queue is empty."""
    figures = Figures("F11", "refusals of every kind, then a healthy far end")
    each = run.pick(100, 8)
    with place(run.engines, "chaos_f11", run.var, _QUICKLY) as ground:
        loads: list[Load] = [ApiLoad(ground, each, 2, threads=2, word=word).start() for word in REPLIES]
        for load in loads:
            load.finish()
        _first_attempts(ground, each * len(REPLIES), figures)
        _judge(figures, ground.rows(_JUDGED), each)
        ground.sink.state.healed = True
        figures.recovery = drain(ground, 90)
        final = {word for word, expected in REPLIES.items() if not expected.retry}
        tried_again = [load for load in loads if load.word not in final]
        left = _states(ground, final)
        figures.must(left <= {"bounced", "failed"}, f"refused for good, and yet {left}")
        ground.change("delete from recipients where split_part(address, '-', 1) = any(%s)", list(final))
        count(ground, figures, tried_again)
    return figures


def dropped(run: Run) -> Figures:
    """F13: dropmid resets in mid-message, dropdot and taken close after the dot, `taken` having kept the message."""
    figures = Figures("F13", "connections lost in mid-message and after the dot")
    each = run.pick(200, 30)
    with place(run.engines, "chaos_f13", run.var, _QUICKLY) as ground:
        loads: list[Load] = [ApiLoad(ground, each, 2, threads=4, word=word).start() for word in ("dropmid", "dropdot", "taken")]
        for load in loads:
            load.finish()
        _first_attempts(ground, 3 * each, figures)
        ground.sink.state.healed = True
        figures.recovery = drain(ground, 60)
        count(ground, figures, loads)
        classes = {word: (reply_class, number) for word, reply_class, number, *_ in ground.rows(_JUDGED)}
        for word, wanted in _JUDGED_AS.items():
            reply_class, number = classes.get(word, ("none", 0))
            figures.must(reply_class in wanted and number == each, f"first attempts to {word}: {number} x {reply_class}, not {each} x {wanted}")
        copies = ground.sink.state.recipients
        figures.must(all(n == 1 for address, n in copies.items() if not address.startswith("taken")), "mail that was never taken came twice")
        figures.must(figures.inside >= each, "mail that was taken was not sent again, so somebody decided without knowing")
    return figures


def _first_attempts(ground: Place, number: int, figures: Figures) -> None:
    tried = "select count(distinct recipient_id) from delivery_attempts"
    wait_until(lambda: ground.one(tried) >= number, 90)
    figures.must(ground.one(tried) == number, "not every message was tried")


def _judge(figures: Figures, rows: list[tuple[object, ...]], each: int) -> None:
    seen = {(word, reply_class): (number, waiting, suppressed) for word, reply_class, number, waiting, suppressed in rows}
    for word, expected in REPLIES.items():
        wanted = (each, each * expected.retry, each * expected.suppress)
        got = seen.get((word, expected.reply_class))
        figures.must(got == wanted, f"{word}: {got} as {expected.reply_class} (number, waiting, suppressed), not {wanted}: {[k for k in seen if k[0] == word]}")


def _states(ground: Place, words: set[str]) -> set[str]:
    return {row[0] for row in ground.rows("select distinct state from recipients where split_part(address, '-', 1) = any(%s)", list(words))}
