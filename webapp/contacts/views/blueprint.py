"""The blueprint that all of the slice's pages hang on."""

from webapp.http.pages import page_blueprint

pages = page_blueprint("contacts")
