"""The application for a WSGI server: `granian --interface wsgi wsgi:application`."""

from webapp.app import create_app

application = create_app()
