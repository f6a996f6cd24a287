"""Every operation of the API.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from postbridge_client._generated.activity import ActivityOperations
from postbridge_client._generated.audience_contacts import AudienceContactsOperations
from postbridge_client._generated.audience_events import AudienceEventsOperations
from postbridge_client._generated.audience_imports import AudienceImportsOperations
from postbridge_client._generated.audience_lists import AudienceListsOperations
from postbridge_client._generated.audience_segments import AudienceSegmentsOperations
from postbridge_client._generated.audience_tags import AudienceTagsOperations
from postbridge_client._generated.bridges import BridgesOperations
from postbridge_client._generated.domains import DomainsOperations
from postbridge_client._generated.incidents import IncidentsOperations
from postbridge_client._generated.keys_and_roles import KeysAndRolesOperations
from postbridge_client._generated.limits import LimitsOperations
from postbridge_client._generated.logs import LogsOperations
from postbridge_client._generated.pace import PaceOperations
from postbridge_client._generated.pools import PoolsOperations
from postbridge_client._generated.reports import ReportsOperations
from postbridge_client._generated.reports_in import ReportsInOperations
from postbridge_client._generated.sending import SendingOperations
from postbridge_client._generated.sending_accounts import SendingAccountsOperations
from postbridge_client._generated.stats import StatsOperations
from postbridge_client._generated.suppressions import SuppressionsOperations
from postbridge_client._generated.team import TeamOperations
from postbridge_client._generated.templates import TemplatesOperations
from postbridge_client._generated.validation import ValidationOperations
from postbridge_client._generated.webhooks import WebhooksOperations


class Operations(
    SendingOperations,
    ValidationOperations,
    BridgesOperations,
    PoolsOperations,
    PaceOperations,
    SendingAccountsOperations,
    DomainsOperations,
    TemplatesOperations,
    AudienceContactsOperations,
    AudienceEventsOperations,
    AudienceListsOperations,
    AudienceImportsOperations,
    AudienceSegmentsOperations,
    AudienceTagsOperations,
    SuppressionsOperations,
    IncidentsOperations,
    LogsOperations,
    StatsOperations,
    ReportsOperations,
    KeysAndRolesOperations,
    TeamOperations,
    LimitsOperations,
    ActivityOperations,
    WebhooksOperations,
    ReportsInOperations,
):
    """All of them on one object."""
