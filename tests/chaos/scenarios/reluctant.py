"""The far end is reluctant: F12 (it greylists), F15 (it takes few connections at a time, later more)."""

from __future__ import annotations

from tests.chaos.ledger import Figures, count, drain
from tests.chaos.load import ApiLoad
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run
from tests.sinks import SinkOptions

_SCALE = 0.01
#: Five minutes, RFC 6647 and the study's shortest.
_GAP = 300 * _SCALE
_ADDRESSES = ("127.0.0.41", "127.0.0.42")

_GAPS = """
select a.reply_class, extract(epoch from b.started_at - a.finished_at), a.member_id = b.member_id, ip.address, r.address
from delivery_attempts a join delivery_attempts b on b.recipient_id = a.recipient_id and b.number = 2
join recipients r on r.id = a.recipient_id join pool_members m on m.id = b.member_id join ip_addresses ip on ip.id = m.ip_address_id where a.number = 1
"""
_DEFERRED = "select reply_class, count(*) from delivery_attempts where outcome <> 'delivered' group by 1"


def greylisted(run: Run) -> Figures:
    """F12: each recipient is refused the first time. Recovery: from the last submission until the queue is empty."""
    figures = Figures("F12", "greylisting: one retry, not too early, from the same address")
    number = run.pick(300, 60)
    with place(run.engines, "chaos_f12", run.var, {"POSTBRIDGE_RETRY_SCALE": str(_SCALE)}, addresses=_ADDRESSES) as ground:
        load = ApiLoad(ground, number, 3, threads=4, word="grey").start()
        load.finish()
        figures.recovery = drain(ground, 90)
        count(ground, figures, [load])
        retries = ground.rows(_GAPS)
        attempts = ground.one("select count(*) from delivery_attempts")
        figures.must(len(retries) == number and attempts == 2 * number, f"{attempts} attempts at {number} recipients, {len(retries)} were tried again")
        figures.must({row[0] for row in retries} <= {"greylist"}, f"judged as {({row[0] for row in retries})}")
        shortest = min((float(row[1]) for row in retries), default=0.0)
        figures.must(shortest >= _GAP, f"the shortest gap was {shortest:.1f} s, not {_GAP:.0f} s (5 minutes, scaled)")
        figures.must(all(row[2] for row in retries), "a retry left from another address")
        peers = {mail.recipient: mail.peer for mail in ground.sink.received}
        figures.must(all(peers.get(row[4]) == row[3] for row in retries), "the server saw another address than the attempt names")
        figures.must(len(set(peers.values())) == len(_ADDRESSES), f"only {set(peers.values())} took part")
        figures.notes.append(f"shortest gap {shortest:.2f} s, longest {max(float(row[1]) for row in retries):.2f} s")
    return figures


def few_connections(run: Run) -> Figures:
    """F15: three connections at a time, 421 to every further one; later ten. Measure: mail a second while there were three."""
    figures = Figures("F15", "421 beyond three connections, then beyond ten")
    number = run.pick(1_500, 500)
    options = SinkOptions(max_connections=3, latency=0.01)
    with place(run.engines, "chaos_f15", run.var, sink=options) as ground:
        learning = _burst(ground, figures, number, "learning")
        settled = _burst(ground, figures, number, "settled")
        figures.must(ground.sink.state.peak <= 3, f"{ground.sink.state.peak} connections were taken")
        # Success raises the limit by one in fifty deliveries of a process: as often it finds the door shut, and remembers.
        bound = number // 50 + 2 * 20
        figures.must(settled <= bound, f"{settled} connections were refused after it could have learned, {learning} before")
        options.max_connections = 10
        _burst(ground, figures, number, "raised")
        figures.must(3 < ground.sink.state.peak <= 10, f"{ground.sink.state.peak} connections when ten were allowed: success did not raise the limit")
        figures.notes.append(f"refused connections: {learning} while learning, {settled} of the next {number}; peak at ten: {ground.sink.state.peak}")
        bounced = ground.one("select count(*) from recipients where state in ('bounced', 'failed')")
        figures.must(not bounced, f"{bounced} bounced")
        classes = dict(ground.rows(_DEFERRED))
        figures.must(set(classes) <= {"throttle"}, f"attempts that did not deliver: {classes}")
        figures.notes.append(f"attempts that did not deliver: {classes}")
    return figures


def _burst(ground: Place, figures: Figures, number: int, word: str) -> int:
    """So many messages, and until they are delivered; the connections that were refused meanwhile."""
    before = ground.sink.state.refused
    load = ApiLoad(ground, number, 2, threads=8, word=word).start()
    load.finish()
    seconds = drain(ground, 120)
    count(ground, figures, [load])
    figures.recovery = seconds if figures.recovery is None else figures.recovery
    return ground.sink.state.refused - before
