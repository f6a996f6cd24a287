"""What address checks are asked and answer."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import Schema
from webapp.validation.service import LONGEST_INPUT, MOST_IN_A_BATCH, VERDICTS
from webapp.validation.types import Outcome, Verdict


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


class ValidateIn(Schema):
    """An address to judge."""

    email = fields.String(required=True, validate=validate.Length(1, LONGEST_INPUT), metadata=_said("Any text; what is no address is answered as such.",
                          example="customer@gmial.com"))  # fmt: skip


class ValidateBatchIn(Schema):
    """Addresses to judge."""

    emails = fields.List(fields.String(validate=validate.Length(1, LONGEST_INPUT)), required=True, validate=validate.Length(1, MOST_IN_A_BATCH),
                         metadata=_said("1 to 100 addresses.", example=["customer@gmial.com", "info@example.net"]))  # fmt: skip


class _Lines(fields.Field[list[str]]):
    """What was pasted: addresses apart by line ends, commas, semicolons or spaces."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        found = re.split(r"[\s,;]+", str(value).strip())
        if len(found) > MOST_IN_A_BATCH:
            raise ma.ValidationError(f"These are {len(found)} addresses; {MOST_IN_A_BATCH} are checked at once.")
        return found


class CheckForm(Schema):
    """The page's form."""

    emails = _Lines(required=True, error_messages={"required": "Type or paste at least one address."})


class AddressCheckOut(ma.Schema):
    """How one check ended."""

    status = fields.String(required=True, validate=validate.OneOf([outcome.value for outcome in Outcome]))
    detail = fields.String(allow_none=True)


class MxCheckOut(AddressCheckOut):
    """What DNS says of the domain."""

    records = fields.List(fields.String(), required=True, metadata=_said("Mail servers, the preferred first."))


class AddressChecksOut(ma.Schema):
    """Each check."""

    syntax = fields.Nested(AddressCheckOut, required=True)
    mx = fields.Nested(MxCheckOut, required=True)
    disposable = fields.Nested(AddressCheckOut, required=True)
    role = fields.Nested(AddressCheckOut, required=True)
    typo = fields.Nested(AddressCheckOut, required=True)
    suppression = fields.Nested(AddressCheckOut, required=True, metadata=_said("Your own list."))


class ValidationOut(ma.Schema):
    """The judgement of one address."""

    email = fields.String(required=True, metadata=_said("As it was given."))
    address = fields.String(required=True, allow_none=True, metadata=_said("As it would be written to; null for what is no address."))
    valid = fields.Boolean(required=True, metadata=_said("True for `valid` and `risky`."))
    verdict = fields.String(required=True, validate=validate.OneOf([verdict.value for verdict in Verdict]),
                            metadata=_said("`unknown`: DNS did not answer in time; ask again."))  # fmt: skip
    reasons = fields.List(fields.String(validate=validate.OneOf(list(VERDICTS))), required=True, metadata=_said("What speaks against it, gravest first."))
    suggestion = fields.String(required=True, allow_none=True, metadata=_said("What was probably meant."))
    checks = fields.Nested(AddressChecksOut, required=True)


class ValidationBatchOut(ma.Schema):
    """The judgements, in the order of the request."""

    results = fields.List(fields.Nested(ValidationOut), required=True)
