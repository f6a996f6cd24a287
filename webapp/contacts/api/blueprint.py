"""The blueprint that all of the slice's routes hang on."""

from webapp.http.api import api_blueprint

blp = api_blueprint("contacts", "People you write to: contacts, lists, tags, segments, imports", "Audience")
