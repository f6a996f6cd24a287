"""Acts on bridges, each tried by the stranger too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.bridges.conftest import Made
from tests.fixtures import Cast
from webapp.activity.models import ActivityEntry
from webapp.bridges import service
from webapp.bridges.models import BridgeCredential
from webapp.bridges.service import BridgeInput
from webapp.kernel.errors import Conflict, DomainError, Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Mode, Scope
from webapp.pools.service import create_pool

Make = Callable[..., Made]


def test_names_are_unique_per_tenant_and_free_again_after_deletion(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner, "shop")
    with cast.owner.scope() as scope, pytest.raises(Conflict) as refused:
        service.create_bridge(scope, BridgeInput("  shop "))
    assert refused.value.param == "name"
    make_bridge(cast.stranger, "shop")
    with cast.owner.scope() as scope:
        service.delete_bridge(scope, made.id)
    make_bridge(cast.owner, "shop")


def test_renaming_keeps_credentials_and_pool(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        before = service.reveal(scope, made.id)
        bridge = service.update_bridge(scope, made.id, {"name": "web shop"})
        assert bridge.name == "web shop"
        assert service.reveal(scope, made.id) == before


def test_toggles_switch_independently(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        bridge = service.set_tracking(scope, made.id, opens=True)
        assert (bridge.track_opens, bridge.track_clicks) == (True, False)
        bridge = service.set_tracking(scope, made.id, clicks=True)
        assert (bridge.track_opens, bridge.track_clicks) == (True, True)


def test_a_bridge_takes_the_tenant_s_default_pool(cast: Cast, shared_pool: UUID) -> None:
    with cast.owner.scope() as scope:
        first, _ = service.create_bridge(scope, BridgeInput("before"))
        own = create_pool(scope, "Own")
        second, _ = service.create_bridge(scope, BridgeInput("after"))
        assert (first.pool_id, second.pool_id) == (shared_pool, own.id)


def test_another_tenant_s_pool_is_none(cast: Cast, make_bridge: Make) -> None:
    with cast.owner.scope() as scope:
        own = create_pool(scope, "Own").id
    with cast.stranger.scope() as scope, pytest.raises(ValidationFailed) as refused:
        service.create_bridge(scope, BridgeInput("x", pool_id=own))
    assert refused.value.param == "pool_id"


@pytest.mark.parametrize("entry", ["a@", "no domain", "a@b@c.net", "", "*", "exa mple.com"])
def test_unreadable_senders_are_named(cast: Cast, shared_pool: UUID, entry: str) -> None:
    with cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        service.create_bridge(scope, BridgeInput("x", allowed_from=("ok@example.com", entry)))
    assert refused.value.problems[0].param == "allowed_from[1]"


def test_a_sandbox_scope_sees_and_makes_sandbox_bridges_only(cast: Cast, make_bridge: Make) -> None:
    """Through a live bridge's credentials a test key would reach the world."""
    live, sandbox = make_bridge(cast.owner, "live"), make_bridge(cast.owner, "sandbox", mode=Mode.SANDBOX)
    with cast.owner.scope(Mode.SANDBOX) as scope:
        assert [bridge.id for bridge in service.list_bridges(scope).items] == [sandbox.id]
        with pytest.raises(NotFound):
            service.reveal(scope, live.id)
        with pytest.raises(Forbidden):
            service.create_bridge(scope, BridgeInput("x", mode=Mode.LIVE))
        made, _ = service.create_bridge(scope, BridgeInput("y"))
        assert made.mode == Mode.SANDBOX


def test_secrets_are_sealed_in_the_database(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        row = scope.session.scalars(sa.select(BridgeCredential)).one()
        stored = b"|".join((row.password_hash, row.password_sealed, row.token_hash, row.token_sealed))
    assert made.secrets.password.encode() not in stored
    assert made.secrets.token.encode() not in stored


def test_the_activity_log_names_each_act_and_holds_no_secret(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        _, new = service.rotate(scope, made.id, 1)
        service.reveal(scope, made.id)
        service.pause_bridge(scope, made.id, "why")
        service.resume_bridge(scope, made.id)
        service.delete_bridge(scope, made.id)
    with cast.owner.scope() as scope:
        entries = scope.session.scalars(sa.select(ActivityEntry).where(ActivityEntry.object_id == made.id).order_by(ActivityEntry.id)).all()
        assert [entry.action for entry in entries] == [f"bridge.{act}" for act in ("created", "rotated", "revealed", "paused", "resumed", "deleted")]
        assert {entry.actor_name for entry in entries} == {cast.owner.name}
        written = repr([entry.changes for entry in entries])
    assert new.password not in written and new.token not in written


_ACTS: dict[str, Callable[[Scope, UUID], Any]] = {
    "get": service.get_bridge,
    "update": lambda scope, bridge_id: service.update_bridge(scope, bridge_id, {"name": "mine"}),
    "track": lambda scope, bridge_id: service.set_tracking(scope, bridge_id, opens=True),
    "rotate": service.rotate,
    "end": lambda scope, bridge_id: service.end_credential(scope, bridge_id, 1),
    "pause": service.pause_bridge,
    "resume": service.resume_bridge,
    "delete": service.delete_bridge,
    "reveal": service.reveal,
}


@pytest.mark.parametrize("act", _ACTS)
def test_the_stranger_finds_no_such_bridge(cast: Cast, make_bridge: Make, act: str) -> None:
    made = make_bridge(cast.owner)
    with cast.stranger.scope() as scope, pytest.raises(NotFound):
        _ACTS[act](scope, made.id)
    with cast.owner.scope() as scope:
        assert service.get_bridge(scope, made.id).name == made.name


@pytest.mark.parametrize("act", sorted(_ACTS.keys() - {"get"}))
def test_a_viewer_changes_and_reveals_nothing(cast: Cast, make_bridge: Make, act: str) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope, pytest.raises(Forbidden):
        _ACTS[act](scope, made.id)


def test_lists_hold_own_bridges_only(cast: Cast, make_bridge: Make) -> None:
    own = make_bridge(cast.owner, "own")
    make_bridge(cast.stranger, "theirs")
    with cast.owner.scope() as scope:
        assert [bridge.id for bridge in service.list_bridges(scope).items] == [own.id]
        assert service.bridge_names(scope) == {own.id: "own"}


def test_pages_of_the_list_follow_each_other(cast: Cast, make_bridge: Make) -> None:
    for number in range(5):
        make_bridge(cast.owner, f"b{number}")
    with cast.owner.scope() as scope:
        first = service.list_bridges(scope, limit=3)
        rest = service.list_bridges(scope, limit=3, cursor=first.next_cursor)
        assert len(first.items) == 3 and len(rest.items) == 2 and rest.next_cursor is None
        assert {bridge.name for bridge in [*first.items, *rest.items]} == {f"b{number}" for number in range(5)}
        assert [bridge.name for bridge in service.list_bridges(scope, search="B3").items] == ["b3"]


@pytest.mark.parametrize("days", [-1, 8])
def test_the_overlap_has_bounds(cast: Cast, make_bridge: Make, days: int) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope, pytest.raises(DomainError) as refused:
        service.rotate(scope, made.id, days)
    assert refused.value.param == "overlap_days"
