"""The API of bridges, and the same under the name of credentials."""

from webapp.bridges.api import bridges as _bridges
from webapp.bridges.api import credentials as _credentials
from webapp.bridges.api.blueprint import blp

__all__ = ["blp"]
_ = _bridges, _credentials
