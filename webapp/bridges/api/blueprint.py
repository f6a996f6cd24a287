"""The blueprint that both vocabularies share."""

from webapp.http.api import api_blueprint

blp = api_blueprint("bridges", "Bridges: SMTP credentials and a Bearer token on top of a pool")
