"""Every component of the interface, for those who build it."""

from __future__ import annotations

from flask import Response

from webapp.backoffice.views.blueprint import pages
from webapp.http.guard import staff_only
from webapp.http.pages import render
from webapp.kernel.clock import now


@pages.get("/styleguide")
@staff_only
def styleguide() -> Response:
    """Every component of the interface with plausible data."""
    return render("styleguide/index.html", now=now())


@pages.get("/styleguide/sign-in")
@staff_only
def styleguide_sign_in() -> Response:
    """The layout of sign-in pages, with an error in its form."""
    return render("styleguide/sign_in.html", now=now())
