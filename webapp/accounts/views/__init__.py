"""Pages of people: login and everything before it, one's own settings and security, the team."""

from webapp.accounts.views import confirm, ending, entrance, factors, oidc, own, passkeys, second_factor, security, team
from webapp.accounts.views.blueprint import pages

__all__ = ["confirm", "ending", "entrance", "factors", "oidc", "own", "pages", "passkeys", "second_factor", "security", "team"]
