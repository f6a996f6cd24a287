"""One round of accepting: judge, ask the database, settle, write. Two round trips for any number of messages of one tenant.

The first trip claims idempotency keys (a second user of a key waits here until the first has committed, then gets its answer) and asks for
suppressions, templates and the quota; the second writes every row and takes back the keys of messages that were refused after all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from webapp.kernel import clock
from webapp.kernel.disk import check_disk
from webapp.kernel.errors import DomainError, Forbidden, IdempotencyConflict, InvalidParameter, Problem
from webapp.kernel.scope import Mode
from webapp.messages.service import checks, rows, statements, templates
from webapp.messages.service.arrays import bytes_array, int_value, text_array, uuid_array
from webapp.messages.service.quotas import QUOTAS, quotas_of
from webapp.messages.service.sender import TenantFacts, load_facts
from webapp.messages.service.units import Draft, StoredRefusal, Unit, accepted_of, answer_of, check_key, draft_of, json_text, refusal_answer
from webapp.messages.service.wire import Row, Statement, Wire
from webapp.messages.types import AllSuppressed, RecipientKind
from webapp.settings import get_settings
from webapp.suppressions.service import blocking_reasons

_Key = tuple[str, str]


class Round:
    """Units of one tenant, no idempotency key twice, in the connection's transaction. Ends with ``results`` in every unit."""

    def __init__(self, wire: Wire, units: Sequence[Unit], *, commit: Callable[[], None] | None = None) -> None:
        self.wire = wire
        self.units = units
        self.commit = commit
        self.tenant_id = units[0].sender.tenant_id
        self.now = clock.now()
        self.drafts: list[Draft] = []
        self._owned: set[_Key] = set()

    def run(self) -> None:
        """All of it. Raises ``psycopg.Error``; what was refused stands in the units."""
        facts = load_facts(self.wire, self.tenant_id, _bridges_of(self.units))
        for unit in self.units:
            self.drafts += _drafts_of(unit, facts, self.now)
        if facts is not None and self.drafts:
            answers = self._ask(facts)
            self._resolve_keys(answers)
            self._refuse_suppressed(answers)
            self._fill_templates(answers)
            for quota in quotas_of(facts):
                if quota.name in answers:
                    quota.refuse(self._good(), int(answers[quota.name][0][0] or 0))
            self._store_files()
            self._write()
        if self.commit is not None:
            self.commit()
        self.wire.sync()

    # The first round trip

    def _ask(self, facts: TenantFacts) -> dict[str, list[Row]]:
        asked: dict[str, int] = {}
        good = [draft for draft in self.drafts if draft.error is None]
        if keyed := self._keyed():
            life = {"hours": int_value(get_settings().idempotency_hours), "repeat_minutes": int_value(get_settings().smtp_repeat_minutes)}
            asked["claimed"] = self._do(statements.CLAIM_KEYS, **life, **_claims(keyed))
        if good:
            addresses = {entry.address.canonical for draft in good for entry in draft.recipients}
            asked["suppressed"] = self._do(statements.SUPPRESSED, addresses=text_array(addresses))
        if slugs := {draft.submission.template for draft in good if draft.submission.template}:
            asked["templates"] = self._do(statements.TEMPLATES, slugs=text_array(slugs))
        if any(draft.mode is Mode.LIVE for draft in good):
            for quota in quotas_of(facts):
                asked[quota.name] = quota.ask(self._do, self.now, first=not asked.keys() & QUOTAS)
        answers = self.wire.sync()
        return {name: answers[place] for name, place in asked.items()}

    def _do(self, statement: Statement, **parameters: bytes | None) -> int:
        return self.wire.send(statement, {"tenant": self.tenant_id.bytes, **parameters})

    def _keyed(self) -> list[Draft]:
        """The first draft of each unit with a key, in the order of keys: two groups that claim the same keys must not deadlock."""
        keyed = [draft for draft in self.drafts if draft.unit.key is not None and draft.index == draft.unit.first]
        return sorted(keyed, key=_key_of)

    # Settling

    def _resolve_keys(self, answers: dict[str, list[Row]]) -> None:
        """Units whose key somebody used before get the original answer, or a conflict; the others own their key now."""
        if "claimed" not in answers:
            return
        self._owned = {(mode or "", key or "") for mode, key in answers["claimed"]}
        used = [draft for draft in self._keyed() if _key_of(draft) not in self._owned]
        if not used:
            return
        self._do(statements.READ_KEYS, **_key_parameters(used))
        known = {(row[0], row[1]): (row[2] or "", row[3] or "{}") for row in self.wire.sync()[0]}
        for draft in used:
            _replay(draft.unit, known.get(_key_of(draft)))
        self.drafts = [draft for draft in self.drafts if not draft.unit.replayed and draft.unit.error is None]

    def _refuse_suppressed(self, answers: dict[str, list[Row]]) -> None:
        found = answers.get("suppressed", [])
        if not found:
            return
        for draft in self._good():
            draft.suppressed = blocking_reasons(found, draft.stream, draft.submission.list_key)
            if all(entry.address.canonical in draft.suppressed for entry in draft.recipients):
                draft.error = _all_suppressed(draft)

    def _fill_templates(self, answers: dict[str, list[Row]]) -> None:
        if "templates" not in answers:
            return
        found = {slug: templates.Source(slug or "", subject or "", html, text) for slug, subject, html, text in answers["templates"]}
        for draft in self._good():
            if draft.submission.template:
                try:
                    templates.fill(draft, found.get(draft.submission.template))
                except DomainError as error:
                    draft.error = error

    def _store_files(self) -> None:
        """Nothing to do for a group: its doors stored the files before they queued up."""
        for draft in self._good():
            if draft.submission.attachments:
                try:
                    draft.unit.store_files(draft.index)
                except DomainError as error:
                    draft.error = error

    def _good(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.error is None]

    # The second round trip

    def _write(self) -> None:
        for draft in self.drafts:
            draft.unit.results[draft.index] = draft.error or draft.accepted
        if good := self._good():
            self._do(statements.INSERT, **rows.insert_parameters(self.tenant_id, good))
        if self._owned:
            self._amend_keys()

    def _amend_keys(self) -> None:
        """Claims were written before the verdict: take back those of refused requests, give batches their full answer."""
        keyed = [draft for draft in self._keyed() if _key_of(draft) in self._owned]
        refused = [draft for draft in keyed if all(isinstance(result, DomainError) for result in draft.unit.results)]
        batches = [draft for draft in keyed if draft.unit.is_batch and draft not in refused]
        if refused:
            self._do(statements.DROP_KEYS, **_key_parameters(refused))
        if batches:
            answers = text_array(json_text(_final_answer(draft.unit)) for draft in batches)
            self._do(statements.CORRECT_ANSWERS, **_key_parameters(batches), answer=answers)


def _bridges_of(units: Iterable[Unit]) -> set[UUID]:
    wanted = {unit.sender.bridge_id for unit in units} | {submission.bridge_id for unit in units for submission in unit.submissions}
    return {bridge for bridge in wanted if bridge is not None}


def _drafts_of(unit: Unit, facts: TenantFacts | None, now: Any) -> list[Draft]:
    """A draft for each message of the unit whose mode can be told; the rest is refused at once."""
    unit.results = [Forbidden("This tenant does not exist any more.")] * len(unit.submissions)
    try:
        check_key(unit.key)
    except InvalidParameter as error:
        unit.refuse(error)
    if facts is None or unit.error is not None:
        return []
    drafts: list[Draft] = []
    for index, submission in enumerate(unit.submissions):
        try:
            bridge = checks.pick_bridge(facts, unit.sender, submission)
        except DomainError as error:
            unit.results[index] = error
            continue
        drafts.append(draft_of(unit, index, bridge, checks.mode_of(unit.sender, bridge), facts.pool_id, now))
        drafts[-1].error = _fault(facts, drafts[-1])
    unit.first = drafts[0].index if drafts else 0
    return drafts


def _fault(facts: TenantFacts, draft: Draft) -> DomainError | None:
    """The first of the named checks that refuses, in the order of the design."""
    submission = draft.submission
    try:
        check_disk()
        checks.check_tenant_may_send(facts, draft.mode)
        checks.check_bridge_is_open(draft.bridge)
        checks.check_not_draining(facts, draft.bridge)
        checks.check_sender_domains(facts, submission, draft.mode)
        checks.check_bridge_allows(draft.bridge, submission)
        checks.check_recipients(facts, submission)
        checks.check_times(submission, draft.now)
        checks.check_size(draft.size)
    except DomainError as error:
        return error
    return None


def _key_of(draft: Draft) -> _Key:
    return (draft.mode.value, draft.unit.key or "")


def _key_parameters(drafts: Sequence[Draft]) -> dict[str, bytes | None]:
    return {"mode": text_array(draft.mode for draft in drafts), "key": text_array(draft.unit.key for draft in drafts)}


def _claims(drafts: Sequence[Draft]) -> dict[str, bytes | None]:
    return {
        **_key_parameters(drafts),
        "fingerprint": bytes_array(draft.unit.fingerprint for draft in drafts),
        "message": uuid_array(draft.id for draft in drafts),
        "answer": text_array(json_text(_claimed_answer(draft)) for draft in drafts),
    }


def _claimed_answer(draft: Draft) -> dict[str, Any]:
    """The answer if all goes well; a batch's is known only after the verdict, see ``_amend_keys``."""
    return {} if draft.unit.is_batch else answer_of(draft.accepted)


def _final_answer(unit: Unit) -> dict[str, Any]:
    return {"results": [{"error": refusal_answer(r)} if isinstance(r, DomainError) else answer_of(r) for r in unit.results]}


def _replay(unit: Unit, known: tuple[str, str] | None) -> None:
    """Answer as the first time, when the body is the same. ``known``: fingerprint in hex, and the answer as JSON."""
    answer: dict[str, Any] = json.loads(known[1]) if known else {}
    if not known or not answer:
        unit.refuse(IdempotencyConflict("The first request with this idempotency key is still under way; try again.", param="Idempotency-Key"))
    elif known[0] != unit.fingerprint.hex():
        unit.refuse(IdempotencyConflict("This idempotency key was used with another body; use a new key.", param="Idempotency-Key"))
    elif ("results" in answer) is not unit.is_batch:
        unit.refuse(IdempotencyConflict("This idempotency key was used for another kind of request; use a new key.", param="Idempotency-Key"))
    else:
        answers = answer["results"] if unit.is_batch else [answer]
        unit.results = [StoredRefusal(entry["error"]) if "error" in entry else accepted_of(entry) for entry in answers]
        unit.replayed = True


def _all_suppressed(draft: Draft) -> AllSuppressed:
    """Names every recipient, by its place in the request."""
    places = dict.fromkeys(RecipientKind, 0)
    problems = []
    for entry in draft.submission.recipients:
        reason = draft.suppressed[entry.address.canonical]
        text = f"{entry.address.email} is on the suppression list ({reason}); remove it there to write to it again."
        problems.append(Problem(f"{entry.kind}[{places[entry.kind]}]", text))
        places[entry.kind] += 1
    return AllSuppressed(problems[0].message, param=problems[0].param, problems=tuple(problems))
