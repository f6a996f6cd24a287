"""A key never has more than whoever made it: when it is made, when a role is edited later, and when its maker loses rights."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast, Person, make_member
from webapp.access import doors, service
from webapp.access.models import ApiKey
from webapp.access.service import KeyWish
from webapp.accounts.service import change_role, remove_member
from webapp.accounts.types import MemberRole
from webapp.kernel.errors import Conflict, Forbidden
from webapp.kernel.permissions import PRESETS, Permission, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode, Scope

HERE = "192.0.2.7"
KEYS = "/api/v1/keys"


@pytest.fixture
def admin(cast: Cast) -> Person:
    """A member whose rights the owner can take."""
    assert cast.owner.tenant_id is not None
    return make_member("ada@acme.test", "Ada Admin", cast.owner.tenant_id, MemberRole.ADMIN)


def make(person: Person, role: str, permissions: PermissionSet | None = None) -> service.IssuedKey:
    with person.scope(permissions=permissions) as scope:
        return service.create_key(scope, KeyWish("made", Mode.LIVE, role))


def make_by_key(scope: Scope, maker: ApiKey, role: str) -> service.IssuedKey:
    rights = doors.rights_of(scope.session, maker)
    inner = Scope(scope.session, scope.tenant_id, Actor(ActorKind.API_KEY, maker.id, maker.name), rights)
    return service.create_key(inner, KeyWish("grandchild", Mode.LIVE, role))


def allowed(plain: str) -> PermissionSet:
    doors.forget_everything()
    return doors.load_credential(plain, HERE).permissions


def test_a_smaller_role_of_the_maker_acts_on_the_keys_they_made(cast: Cast, admin: Person) -> None:
    with admin.scope() as scope:
        role = service.create_role(scope, "wide", ["email.*", "domain.*", "key.*"])
        issued = service.create_key(scope, KeyWish("shop", Mode.LIVE, "wide"))
        below = make_by_key(scope, issued.key, str(role.id))
    assert allowed(issued.plain).allows("domain.create") and allowed(below.plain).allows("domain.create")
    with cast.owner.scope() as scope:
        change_role(scope, admin.user_id, MemberRole.VIEWER)
    for plain in (issued.plain, below.plain):
        assert allowed(plain).allows("domain.read") and not allowed(plain).allows("domain.create") and not allowed(plain).allows("email.send")
    with cast.owner.scope() as scope:
        change_role(scope, admin.user_id, MemberRole.ADMIN)
    assert allowed(below.plain).allows("domain.create")


def test_keys_of_somebody_who_left_go_on_with_the_rights_of_their_last_day(cast: Cast, admin: Person) -> None:
    issued = make(admin, "root:sending")
    with cast.owner.scope() as scope:
        change_role(scope, admin.user_id, MemberRole.DEVELOPER)
        remove_member(scope, admin.user_id)
    assert allowed(issued.plain).allows("email.send")
    with cast.owner.scope() as scope:
        service.create_role(scope, "all", ["*"])
        service.update_key(scope, issued.key.id, {"role": "all"})
    rights = allowed(issued.plain)
    assert rights.allows("bridge.create") and not rights.allows("team.update"), "a developer's last rights, whatever role the key gets"


def test_an_owner_may_answer_for_a_key_and_then_it_has_all_its_role_gives(cast: Cast, admin: Person, app: Flask) -> None:
    issued = make(admin, "root:sending")
    with cast.owner.scope() as scope:
        change_role(scope, admin.user_id, MemberRole.VIEWER)
        service.adopt_key(scope, issued.key.id)
    assert allowed(issued.plain).allows("email.send")
    shown = cast.owner.api(app).get(f"{KEYS}/{issued.key.id}").json["data"]
    assert shown["made_by"] == {"kind": "member", "id": str(cast.owner.user_id), "name": "Olivia Owner"}


def test_nobody_answers_for_more_than_they_have(cast: Cast, admin: Person) -> None:
    issued = make(cast.owner, "root:full")
    with admin.scope() as scope, pytest.raises(Forbidden):
        service.adopt_key(scope, issued.key.id)
    with admin.scope() as scope, pytest.raises(Forbidden):
        service.roll_key(scope, issued.key.id)
    with admin.scope() as scope, pytest.raises(Forbidden):
        service.update_key(scope, issued.key.id, {"allowed_networks": []})


def test_a_role_that_grows_does_not_lift_a_key_above_its_maker(cast: Cast, admin: Person) -> None:
    with admin.scope() as scope:
        role_id = service.create_role(scope, "shared", ["email.send"]).id
        issued = service.create_key(scope, KeyWish("shop", Mode.LIVE, "shared"))
    with cast.owner.scope() as scope:
        service.update_role(scope, role_id, permissions=["*"])
    rights = allowed(issued.plain)
    assert not rights.allows("tenant.update")
    assert rights == PermissionSet(p.value for p in Permission if PRESETS["admin"].allows(p)) or rights == PRESETS["admin"]


def test_a_key_between_bounds_what_it_made_even_when_it_is_over_and_its_role_gone(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        role = service.create_role(scope, "between", ["key.*", "email.send", "pool.*"])
        between = service.create_key(scope, KeyWish("between", Mode.LIVE, "between"))
        wide = service.create_role(scope, "wide", ["email.send", "pool.*"])
        below = make_by_key(scope, between.key, str(wide.id))
        role_id, between_id = role.id, between.key.id
    with cast.owner.scope() as scope:
        service.update_role(scope, role_id, permissions=["email.send"])
    assert allowed(below.plain) == PermissionSet({"email.send"})
    with cast.owner.scope() as scope:
        service.revoke_key(scope, between_id)
        service.delete_role(scope, role_id)
    assert allowed(below.plain) == PermissionSet({"email.send"})


def test_keys_make_keys_over_few_generations_only(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        issued = service.create_key(scope, KeyWish("first", Mode.LIVE, "root:full"))
        for _ in range(service.MOST_GENERATIONS - 1):
            issued = make_by_key(scope, issued.key, "root:full")
        with pytest.raises(Forbidden, match="generations"):
            make_by_key(scope, issued.key, "root:full")


def test_a_leaked_key_ends_together_with_what_it_made(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    made = client.post(KEYS, json={"name": "root", "role": "root:full", "mode": "live"}).json["data"]
    thief = ApiClient(app, app.response_class, use_cookies=False)
    thief.key = made["key"]
    hidden = thief.post(KEYS, json={"name": "hidden", "role": "root:full", "mode": "live"}).json["data"]
    assert hidden["made_by"] == {"kind": "api_key", "id": made["id"], "name": "root"}
    assert [row["id"] for row in client.get(f"{KEYS}?made_by={made['id']}").json["data"]] == [hidden["id"]]
    assert client.post(f"{KEYS}/{made['id']}/revoke", json={"with_made": True}).json["data"]["status"] == "revoked"
    assert app.test_client().get(KEYS, headers={"X-API-Key": hidden["key"]}).status_code == 401


def test_many_keys_end_at_once_and_each_is_answered(cast: Cast, app: Flask) -> None:
    client, absent = cast.owner.api(app), str(UUID(int=7))
    ids = [client.post(KEYS, json={"name": f"k{n}", "role": "root:sending"}).json["data"]["id"] for n in range(3)]
    client.delete(f"{KEYS}/{ids[0]}")
    results = client.post(f"{KEYS}/revoke", json={"ids": [*ids[:2], absent]}).json["data"]["results"]
    assert [entry["result"] for entry in results] == ["already_revoked", "revoked", "not_found"]
    theirs = cast.stranger.api(app).post(f"{KEYS}/revoke", json={"ids": [ids[2]]}).json["data"]["results"]
    assert theirs == [{"id": ids[2], "result": "not_found"}]
    assert client.get(f"{KEYS}/{ids[2]}").json["data"]["status"] == "active"
    for body in ({}, {"ids": ids, "made_by": absent}):
        assert client.post(f"{KEYS}/revoke", json=body).status_code == 422


def test_a_key_of_a_made_role_shows_what_is_left_of_it(cast: Cast, admin: Person, app: Flask) -> None:
    issued = make(admin, "root:sending")
    path = f"{KEYS}/{issued.key.id}"
    assert cast.owner.api(app).get(path).json["data"]["permissions"] == ["email.*"]
    with cast.owner.scope() as scope:
        change_role(scope, admin.user_id, MemberRole.VIEWER)
    assert cast.owner.api(app).get(path).json["data"]["permissions"] == ["email.read"]


def test_a_key_that_is_over_is_not_changed(cast: Cast) -> None:
    issued = make(cast.owner, "root:sending")
    with cast.owner.scope() as scope:
        service.revoke_key(scope, issued.key.id)
        with pytest.raises(Conflict):
            service.update_key(scope, issued.key.id, {"name": "again"})
