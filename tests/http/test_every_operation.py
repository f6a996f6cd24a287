"""Each operation of the OpenAPI document, called with what its schema allows and with what it does not, by a key of each built-in role:
no server error, and no answer that the document does not describe (status, content type, body, headers).

A few examples an operation by default. `FUZZ_EXAMPLES=200 pytest tests/http/test_every_operation.py` looks deeper.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS, load_all_checks

from tests.architecture.estate import Estate, make_estate
from tests.fixtures import Cast
from webapp.access.service import KeyWish, create_key
from webapp.access.types import KEY_PRESETS
from webapp.kernel.scope import SYSTEM, Mode, Scope

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::hypothesis.errors.HypothesisWarning")

#: Cases an operation; each is called by a key of every built-in role, the one with all rights last.
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
_SEED = int(os.environ.get("FUZZ_SEED", "20261124"))
_CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance", "response_headers_conformance")
#: Streams do not end by themselves.
_ENDLESS = ("/stream",)


@pytest.fixture
def estate(app: Flask, cast: Cast) -> Estate:
    """One of everything, so that ids lead somewhere."""
    return make_estate(app, cast)


def operations(app: Flask) -> Iterator[Any]:
    """Every operation; those that delete come last, so that the others find something."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    found = [result.ok() for result in schema.get_all_operations()]
    yield from sorted((one for one in found if not one.path.endswith(_ENDLESS)), key=lambda one: (one.method == "delete", one.path.count("{")))


def make_preset_key(cast: Cast, preset: str) -> str:
    """A key whose rate does not stand in the way."""
    with cast.owner.scope() as scope:
        operator = Scope(scope.session, scope.tenant_id, SYSTEM, scope.permissions)
        return create_key(operator, KeyWish(f"fuzz {preset}", Mode.LIVE, preset, rate_limit=1_000_000)).plain


def faults_of(operation: Any, keys: list[str], estate: Estate) -> list[str]:
    """What is wrong with the answers to some calls of one operation."""
    found: list[str] = []
    dice = random.Random(f"{_SEED}{operation.label}")
    checks = CHECKS.get_by_names(_CHECKS)

    @seed(_SEED)
    @settings(max_examples=_EXAMPLES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        for name in case.path_parameters or {}:
            if name in estate.ids and dice.random() < 0.7:
                case.path_parameters[name] = estate.ids[name]
        for key in keys:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
            response = case.call()
            try:
                case.validate_response(response, checks=checks)
            except BaseExceptionGroup as group:
                said = "; ".join(str(error)[:500] for error in group.exceptions)
                found.append(f"{operation.label} {case.path_parameters} {case.query} {case.body!r:.300}: {said} {response.content[:400]!r}")

    call()
    return found


@pytest.mark.timeout(3600 if "FUZZ_EXAMPLES" in os.environ else 240)
def test_no_operation_breaks_or_answers_what_the_document_does_not_say(app: Flask, cast: Cast, estate: Estate) -> None:
    load_all_checks()
    keys = [make_preset_key(cast, preset) for preset in sorted(KEY_PRESETS, key=lambda name: name == "root:full")]
    faults = [fault for operation in operations(app) for fault in faults_of(operation, keys, estate)]
    assert not faults, "\n\n".join(faults)
