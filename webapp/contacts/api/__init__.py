"""The API of contacts, lists, tags, segments and imports."""

from webapp.contacts.api import contacts as _contacts
from webapp.contacts.api import imports as _imports
from webapp.contacts.api import lists as _lists
from webapp.contacts.api import segments as _segments
from webapp.contacts.api import tags as _tags
from webapp.contacts.api.blueprint import blp

__all__ = ["blp"]
_ = _contacts, _imports, _lists, _segments, _tags
