"""Pages of people: login and everything before it, one's own settings, the team."""

from webapp.accounts.views import entrance, own, team
from webapp.accounts.views.blueprint import pages

__all__ = ["entrance", "own", "pages", "team"]
