"""Keeps a dialogue going over one connection after the other.

When a connection is lost, requests whose answers are lost fail, unless they may be sent again; those wait, and so do new ones.
Attempts are made until one brings a connection on which all subscriptions are there again. Then whoever listens hears what
changed meanwhile, and the waiting requests are sent.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ..wire.errors import RemoteProtocolError
from ..wire.messages import InitialConnection, ServerMessage, Subscribe, Unsubscribe
from ..wire.session import ClientSession
from .callbacks import Listeners
from .errors import ClientError, ConnectionRejected, Ending, RequestTimeout, ServerUnreachable
from .link import KnowsClients
from .restoration import Restoration
from .subscription import SubscriptionState

if TYPE_CHECKING:
    from .dialogue import Dialogue
    from .link import Transport
    from .reconnect import Reconnect

logger = logging.getLogger(__name__)


class _LostAgain(ClientError):
    """The new connection went away before everything was there."""


class Keeper:
    """Makes lost connections of a dialogue anew.

    Args:
        dialogue: What is said over the connections.
        transport: The way to the server.
        policy: How to come back.
    """

    def __init__(self, dialogue: Dialogue, transport: Transport, policy: Reconnect) -> None:
        self._dialogue = dialogue
        self._transport = transport
        self._policy = policy
        self._task: asyncio.Task[None] | None = None
        self._restored: asyncio.Future[None] | None = None
        self._restoration: Restoration | None = None
        self.is_coming_back = False
        """Whether there is no connection that could be used."""

        self.losses = Listeners()
        """Who wants to know of losses."""

        self.returns = Listeners()
        """Who wants to know when everything is there again."""

    # Losing

    def lost(self, ending: Ending) -> None:
        """Take note that the connection has ended."""
        if self.is_coming_back:
            if self._restored is not None and not self._restored.done():
                self._restored.set_exception(_LostAgain(str(ending)))
            return
        self.is_coming_back = True
        self._interrupt(ending)
        self._task = self._dialogue.loop.create_task(self._come_back(ending))
        self.losses.notify(self._dialogue.callbacks, ending.reason)

    def _interrupt(self, ending: Ending) -> None:
        """Fail what cannot be sent again, and let go of subscriptions that were on their way out."""
        dialogue = self._dialogue
        for pending in dialogue.requests.pending():
            if isinstance(pending.message, Unsubscribe):
                pending.future.set_result(None)
            elif pending.is_sent and not pending.repeats:
                pending.fail(ending, None)
        for number, subscription in list(dialogue.subscriptions.items()):
            if subscription.is_mute or subscription.state is SubscriptionState.ENDING:
                dialogue.end_subscription(number)

    def give_up(self) -> None:
        """Try no more."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def stopped(self) -> None:
        """Wait until no attempt is made any more."""
        if self._task is not None and self._task is not asyncio.current_task():
            await asyncio.wait({self._task})

    # Coming back

    async def _come_back(self, ending: Ending) -> None:
        logger.info("the connection was lost and is made anew: %s", ending)
        failure, tries = str(ending), 0
        for tries, delay in enumerate(self._policy.delays(), 1):
            await self._policy.sleep(delay)
            try:
                await asyncio.wait_for(self._attempt(), self._policy.patience)
            except asyncio.TimeoutError:
                failure = f"it took longer than {self._policy.patience:g} s"
            except (ServerUnreachable, RequestTimeout, _LostAgain) as error:
                failure = str(error)
            except ConnectionRejected as error:
                failure = str(error)
                if error.status is not None:
                    break
            else:
                return
            logger.info("attempt %d to reconnect failed: %s", tries, failure)
        reason = f"{ending.reason or 'it was lost'}; reconnecting was given up after attempt {tries}: {failure}"
        self._dialogue.lose(ending._replace(reason=reason))

    async def _attempt(self) -> None:
        dialogue = self._dialogue
        if dialogue.introduction is not None and isinstance(self._transport, KnowsClients):
            self._transport = self._transport.known_as(dialogue.introduction.token)
        self._restored = dialogue.loop.create_future()
        self._restoration = Restoration(one for one in dialogue.subscriptions.values() if one.is_active)
        dialogue.session = ClientSession()
        dialogue.link = None
        try:
            dialogue.link = await self._transport.open(dialogue)
            await self._restored
        except BaseException:
            self._restoration = None
            if dialogue.link is not None:
                await dialogue.link.close()
            raise

    def take(self, message: ServerMessage) -> bool:
        """Take a message, and return whether it was one for here.

        Raises:
            RemoteProtocolError: It makes no sense.
        """
        restoration, dialogue = self._restoration, self._dialogue
        if restoration is None:
            return False
        if isinstance(message, InitialConnection):
            if dialogue.introduction is not None and dialogue.introduction.identity != message.identity:
                raise RemoteProtocolError("after reconnecting the server takes this client for somebody else")
            dialogue.introduction = message
            for number, subscription in restoration.subscriptions.items():
                dialogue.send(Subscribe(dialogue.requests.new_id(), number, subscription.queries))
        else:
            restoration.take(message)
        if restoration.is_complete:
            self._finish(restoration)
        return True

    def _finish(self, restoration: Restoration) -> None:
        dialogue = self._dialogue
        dialogue.apply(restoration.shares())
        for number, text in restoration.refused.items():
            dialogue.break_subscription(number, text)
        self._restoration = None
        self.is_coming_back = False
        if self._restored is not None and not self._restored.done():
            self._restored.set_result(None)
        for number in restoration.subscriptions:
            if number not in dialogue.subscriptions and number not in restoration.refused:
                dialogue.send(Unsubscribe(dialogue.requests.new_id(), number))
        for pending in dialogue.requests.pending():
            if pending.message is not None:
                dialogue.send(pending.message)
                pending.is_sent = True
        self.returns.notify(dialogue.callbacks)
