"""Pages of people: login and everything before it, one's own settings and security, the team."""

from webapp.accounts.views import confirm, entrance, factors, own, passkeys, second_factor, security, team
from webapp.accounts.views.blueprint import pages

__all__ = ["confirm", "entrance", "factors", "own", "pages", "passkeys", "second_factor", "security", "team"]
