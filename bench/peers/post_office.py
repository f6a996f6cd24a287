"""django-post-office over PostgreSQL: e-mails queued as rows, as its documentation shows. Runs in an environment of its own.

``python -m bench.peers.post_office migrate`` makes its tables; ``app`` is the WSGI application. The database comes from PEER_PG_*.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="measured", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"], MIDDLEWARE=[], LOGGING_CONFIG=None,
        EMAIL_BACKEND="post_office.EmailBackend", POST_OFFICE={"DEFAULT_PRIORITY": "medium"},
        DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "HOST": os.environ.get("PEER_PG_HOST", ""), "NAME": os.environ.get("PEER_PG_NAME", ""),
            "USER": os.environ.get("PEER_PG_USER", ""), "CONN_MAX_AGE": None,
        }},
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates"},
            {"BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates", "APP_DIRS": True, "OPTIONS": {}},
        ],
    )  # fmt: skip
    django.setup()

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from post_office import mail


def accept(request: HttpRequest) -> JsonResponse:
    """Queue one e-mail; Django commits it before the answer leaves."""
    wish: dict[str, Any] = json.loads(request.body)
    email = mail.send(wish["to"], wish["from"], subject=wish["subject"], message=wish["text"], html_message=wish["html"])
    return JsonResponse({"id": email.id, "status": "queued"}, status=202)


urlpatterns = [path("send", accept)]
app = get_wsgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
