"""Pages of the audience: contacts, lists, tags, segments, files."""

from webapp.contacts.views import contacts as _contacts
from webapp.contacts.views import imports as _imports
from webapp.contacts.views import lists as _lists
from webapp.contacts.views import opt_in as _opt_in
from webapp.contacts.views import segments as _segments
from webapp.contacts.views import tags as _tags
from webapp.contacts.views.blueprint import pages

__all__ = ["pages"]
_ = _contacts, _imports, _lists, _opt_in, _segments, _tags
