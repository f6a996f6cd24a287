"""Keeps what the simulator took, for the tenant whose return path the mail carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from webapp.kernel.db import raw_of, unscoped
from webapp.messages.verp import find_recipient
from webapp.settings import Settings
from webapp.simulator.service import store_mail
from worker.smtp.committer import GroupCommitter
from worker.smtp.limits import Limits
from worker.smtp.server import SmtpServer
from worker.smtp.simulated_reader import SimulatedReader
from worker.smtp.simulator import ReceivedMail, Simulator

_KEPT = "simulator"


class SimulatedMailbox:
    """Stores mail in the database (`worker.smtp.simulator.Mailbox`), many mails in one transaction."""

    def __init__(self) -> None:
        self._committer: GroupCommitter[str, list[ReceivedMail], bool] = GroupCommitter("simulator", _commit, threads=1)

    async def store(self, mails: list[ReceivedMail]) -> None:
        """Keep mail to a recipient of ours; mail without a valid return path comes from outside and is not kept."""
        ours = [mail for mail in mails if find_recipient(mail.sender.rpartition("@")[0]) is not None]
        if ours:
            await self._committer.submit(_KEPT, ours)

    def close(self) -> None:
        """Give the thread back; to be called when the server has stopped."""
        self._committer.close()


def _commit(key: str, group: Sequence[list[ReceivedMail]]) -> Sequence[bool]:
    with unscoped("mail at the simulator names its recipient, not its tenant") as session:
        connection = raw_of(session)
        for mails in group:
            for mail in mails:
                _store(connection, mail)
    return [True] * len(group)


def _store(connection: psycopg.Connection[Any], mail: ReceivedMail) -> None:
    recipient_id = find_recipient(mail.sender.rpartition("@")[0])
    if recipient_id is not None:
        store_mail(connection, recipient_id, mail.recipient, mail.sender, mail.data)


def make_simulator_server(settings: Settings, mailbox: SimulatedMailbox) -> SmtpServer:
    """The simulator as a server. It refuses on purpose and is written to by our own workers, so it forgives what others do not."""
    host = "127.0.0.1" if settings.smtp_host in ("0.0.0.0", "") else settings.smtp_host
    reader = SimulatedReader(settings.simulator_domain, (host, settings.inbound_port), settings.tracking_base)
    simulator = Simulator(settings.simulator_domain, mailbox, reader)
    limits = Limits(errors=1_000_000, idle_commands=1_000_000, connections_per_address=1000, message_octets=settings.max_message_bytes + 1024 * 1024)
    return SmtpServer("simulator", settings.simulator_domain, simulator, limits)
