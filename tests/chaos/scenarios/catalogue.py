"""All scenarios, by number."""

from __future__ import annotations

from tests.chaos.scenarios import Scenario
from tests.chaos.scenarios.blobs import no_room_for_attachments
from tests.chaos.scenarios.callbacks import bad_endpoints
from tests.chaos.scenarios.crashes import lost_in_doubt, random_kills, submission_kills, warm_stop
from tests.chaos.scenarios.disk import disk_full
from tests.chaos.scenarios.doors import same_key
from tests.chaos.scenarios.engines import broker_away, broker_flushed, database_crashes, sessions_cut
from tests.chaos.scenarios.fairness import crowd, stalled_domain, standstill
from tests.chaos.scenarios.guard import guarded
from tests.chaos.scenarios.pauses import paused_and_resumed
from tests.chaos.scenarios.reluctant import few_connections, greylisted
from tests.chaos.scenarios.replies import dropped, refusals
from tests.chaos.scenarios.schedule import overslept

SCENARIOS: dict[str, Scenario] = {
    "F01": random_kills,
    "F02": submission_kills,
    "F03": lost_in_doubt,
    "F04": broker_flushed,
    "F05": broker_away,
    "F06": database_crashes,
    "F07": sessions_cut,
    "F08": disk_full,
    "F09": no_room_for_attachments,
    "F10": same_key,
    "F11": refusals,
    "F12": greylisted,
    "F13": dropped,
    "F14": stalled_domain,
    "F15": few_connections,
    "F16": bad_endpoints,
    "F17": paused_and_resumed,
    "F18": warm_stop,
    "F19": overslept,
    "F20": crowd,
    "F21": standstill,
    "F52": guarded,
}
