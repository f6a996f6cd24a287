"""Operations under 'Validation'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import cast

from postbridge_client._generated.validation_types import (
    ValidationBatchOut,
    ValidationOut,
)
from postbridge_client.caller import Caller


class ValidationOperations(Caller):
    """Whether an address is worth writing to; no mailbox is dialled"""

    def validate_email(self, *, email: str) -> ValidationOut:
        """Judge an address: syntax, mail servers, throw-away and role addresses, typing mistakes, your suppressions. Permission: `email.validate`."""
        return cast("ValidationOut", self.request("POST", "/api/v1/validate", body={"email": email}))

    def validate_emails(self, *, emails: list[str]) -> ValidationBatchOut:
        """Judge up to 100 addresses. DNS has some seconds for all of them; what it leaves open is `unknown`. Permission: `email.validate`."""
        return cast("ValidationBatchOut", self.request("POST", "/api/v1/validate/batch", body={"emails": emails}))
