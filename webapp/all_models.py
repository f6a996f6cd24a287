"""Imports every slice's models, so that mappers and migrations see all tables."""

from webapp.access import models as _access
from webapp.accounts import models as _accounts
from webapp.activity import models as _activity
from webapp.announcements import models as _announcements
from webapp.backoffice import models as _backoffice
from webapp.bridges import models as _bridges
from webapp.contacts import models as _contacts
from webapp.content import models as _content
from webapp.domains import models as _domains
from webapp.incidents import models as _incidents
from webapp.kernel import heartbeat as _heartbeat
from webapp.kernel.db import Base
from webapp.messages import models as _messages
from webapp.pace import models as _pace
from webapp.pools import models as _pools
from webapp.reports import models as _reports
from webapp.sending_accounts import models as _sending_accounts
from webapp.simulator import models as _simulator
from webapp.stats import models as _stats
from webapp.suppressions import models as _suppressions
from webapp.tenants import models as _tenants
from webapp.transport import models as _transport
from webapp.webhooks import models as _webhooks

metadata = Base.metadata
__all__ = ["metadata"]
_ = (
    _access, _accounts, _activity, _announcements, _backoffice, _bridges, _contacts, _content, _domains, _heartbeat, _incidents, _messages,
    _pace, _pools, _reports, _sending_accounts, _simulator, _stats, _suppressions, _tenants, _transport, _webhooks,
)  # fmt: skip
