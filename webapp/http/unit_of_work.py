"""One request is one transaction: opened when a view first asks for the session, committed by the application when the answer is good."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, g
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession

from webapp.kernel.db import Base, TenantSession, engine


class RequestSession(TenantSession, FlaskSession):
    """The guarded session, with flask-sqlalchemy's life per application context."""


class Database(SQLAlchemy):
    """flask-sqlalchemy over the process's one engine, which SMTP and workers share the settings of."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> sa.Engine:
        return engine()


db = Database(model_class=Base, session_options={"class_": RequestSession, "expire_on_commit": False}, disable_autonaming=True)


class TransactionalFlask(Flask):
    """Commits after a view that answered below 400 and before the answer leaves; rolls back after any other."""

    def dispatch_request(self) -> ResponseReturnValue:
        response: Response = self.make_response(super().dispatch_request())
        if db.session.registry.has():
            if response.status_code < 400 or g.get("keep_changes"):
                db.session.commit()
            else:
                db.session.rollback()
        return response
