"""A receiving mail server whose answer depends on the address: the internet in a box.

`bounce@`, `defer@`, `complaint@` ... at the simulator's domain answer as their name says, with real SMTP replies, real bounces
by mail and real clicks over HTTP; every other address takes mail. The whole list is `webapp.simulator.types.BEHAVIOURS`. A tag
behind a plus is free: `bounce+order17@`.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol

import structlog

from webapp.simulator.types import BEHAVIOURS, Behaviour, Stage
from worker.smtp import replies
from worker.smtp.parsing import MailParameters
from worker.smtp.replies import Reply
from worker.smtp.session import DROP, Answer, Envelope, Login, Session

log = structlog.get_logger()


DELIVERED = BEHAVIOURS["delivered"]
_REPLIES = {name: Reply(*behaviour.reply) for name, behaviour in BEHAVIOURS.items() if behaviour.reply is not None}
_GREYLIST_SIZE = 50_000


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail that was taken, for one recipient. data: octets as received, dot-stuffing undone."""

    sender: str
    recipient: str
    data: bytes


class Mailbox(Protocol):
    """Where taken mail goes; returns once it is kept. Raising refuses the mail with 451."""

    def store(self, mails: list[ReceivedMail]) -> Awaitable[None]:
        """Keep these mails."""
        ...


class Reader(Protocol):
    """What a person or a provider does with taken mail some seconds later."""

    async def act(self, behaviour: str, mail: ReceivedMail) -> None:
        """Do what the behaviour of stage LATER promises."""
        ...


def behaviour_of(address: str, domain: str) -> Behaviour:
    """The behaviour of an address; addresses at other domains than the simulator's take mail."""
    local, _, host = address.rpartition("@")
    if host.lower() != domain.lower():
        return DELIVERED
    return BEHAVIOURS.get(local.lower().partition("+")[0], DELIVERED)


class Simulator:
    """The handler of the simulator's SMTP server."""

    def __init__(
        self,
        domain: str,
        mailbox: Mailbox,
        reader: Reader,
        *,
        think_seconds: float = 5.0,
        grey_seconds: float = 1.0,
        later_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """think_seconds: how long `slow` takes; grey_seconds: how long `defer` refuses after a first try; later_seconds: the
        pause before something of stage LATER happens."""
        self._domain = domain
        self._mailbox = mailbox
        self._reader = reader
        self._think_seconds = think_seconds
        self._grey_seconds = grey_seconds
        self._later_seconds = later_seconds
        self._clock = clock
        self._first_tries: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._acts: set[asyncio.Task[None]] = set()

    async def authenticate(self, session: Session, username: str, password: str) -> Login | Reply:
        """The simulator asks nobody for a login."""
        return replies.LOGIN_NOT_OFFERED

    def sender(self, session: Session, address: str, parameters: MailParameters) -> Answer:
        """Anybody may send."""
        return None

    def recipient(self, session: Session, address: str, envelope_sender: str) -> Answer:
        """Answer as the address says."""
        behaviour = behaviour_of(address, self._domain)
        if behaviour.stage is not Stage.RECIPIENT:
            return None
        if behaviour.name == "defer" and self._came_back((envelope_sender, address)):
            return None
        return _REPLIES[behaviour.name]

    async def message(self, session: Session, envelope: Envelope, data: bytes) -> Reply:
        """Take the mail for all recipients, or refuse it when the address of one says so."""
        behaviours = [behaviour_of(address, self._domain) for address in envelope.recipients]
        for behaviour in behaviours:
            if behaviour.stage is Stage.MESSAGE and behaviour.name in _REPLIES:
                return _REPLIES[behaviour.name]
        names = {behaviour.name for behaviour in behaviours}
        if "slow" in names:
            await asyncio.sleep(self._think_seconds)
        mails = [ReceivedMail(envelope.sender, address, data) for address in envelope.recipients]
        await self._mailbox.store(mails)
        if "drop" in names:
            return DROP
        for behaviour, mail in zip(behaviours, mails, strict=True):
            if behaviour.stage is Stage.LATER:
                self._spawn(self._act_later(behaviour.name, mail))
        return replies.ACCEPTED

    async def finish(self) -> None:
        """Wait for everything that was to happen later."""
        while self._acts:
            await asyncio.gather(*self._acts, return_exceptions=True)

    def _came_back(self, pair: tuple[str, str]) -> bool:
        now = self._clock()
        first = self._first_tries.setdefault(pair, now)
        while len(self._first_tries) > _GREYLIST_SIZE:
            self._first_tries.popitem(last=False)
        return now - first >= self._grey_seconds

    async def _act_later(self, behaviour: str, mail: ReceivedMail) -> None:
        await asyncio.sleep(self._later_seconds)
        try:
            await self._reader.act(behaviour, mail)
        except Exception as error:
            log.warning("simulator_act_failed", behaviour=behaviour, error=str(error))

    def _spawn(self, act: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(act)
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)
