"""Types of the operations under 'Audience tags'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class TagIn(TypedDict):
    """TagIn"""

    name: str
    color: NotRequired[str]


class TagChange(TypedDict):
    """TagChange"""

    name: NotRequired[str]
    color: NotRequired[str]
