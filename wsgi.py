"""The application for a WSGI server: `granian --interface wsgi wsgi:application`."""

from webapp.loading import loading

with loading():
    from webapp.app import create_app

    application = create_app()
