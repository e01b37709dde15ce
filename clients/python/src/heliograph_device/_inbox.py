"""Brings each notification to the handler once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ._events import DropCause, Dropped
from ._files import Serial
from ._notification import Notification, parse_broadcast, parse_notification
from ._program import Log, outcome_of
from ._redrain import Redrain
from ._taken import TakenStore
from .errors import BadMessageError, HandlerError, HeliographDeviceError, as_fault, message_of

Handle = Callable[[Notification], Awaitable[None] | None]
"""Takes a notification over. It is acknowledged when this returns, or sent again when it raises."""

_DROP_TEXT: dict[DropCause, str] = {
    "repeat": "it was taken before",
    "overtaken": "a newer one was taken before",
    "unregistered": "its topic is unregistered",
    "left": "its channel is not joined",
}

_MOST_WAITING = 100
"""Waiting notifications per topic or channel; IoT Core leaves at most 100 unacknowledged on a connection."""


@dataclass
class _Lane:
    serial: Serial = field(default_factory=Serial)
    waiting: int = 0


class Inbox:
    """Those of one topic or channel are handled in the order they came, those of different ones side by
    side.

    Says for each message whether it may be acknowledged.
    """

    def __init__(
        self,
        taken: TakenStore,
        has_left: Callable[[str], bool],
        is_joined: Callable[[str], bool],
        redrain: Redrain,
        rejoin: Redrain,
        report: Callable[[HeliographDeviceError], None],
        dropped: Callable[[Dropped], None],
        log: Log,
    ) -> None:
        self._taken = taken
        self._has_left = has_left
        self._is_joined = is_joined
        self._redrain = redrain
        self._rejoin = rejoin
        self._report = report
        self._dropped = dropped
        self._log = log
        self._lanes: dict[str, _Lane] = {}
        self._ready = asyncio.Event()
        self._handle: Handle | None = None

    def handle_with(self, handle: Handle) -> None:
        self._handle = handle
        self._ready.set()

    async def finish(self) -> None:
        """Gives up on what waits for a handler, and returns when no handler is at work."""
        self._ready.set()
        await asyncio.gather(*(lane.serial.idle() for lane in list(self._lanes.values())))

    async def receive(self, message: bytes) -> bool:
        notification = parse_notification(message)
        if notification is None:
            return self._unreadable()
        return await self._receive(notification, notification.topic, self._redrain)

    async def receive_broadcast(self, channel: str, message: bytes, retained: bool) -> bool:
        """What has come on the topic of a channel; ``retained``: the packet's RETAIN flag."""
        # how the broker says that it has nothing stored any more, when a channel is deleted
        if not message:
            return True
        notification = parse_broadcast(message, channel, retained)
        if notification is None:
            # nobody has asked for it, so nobody has to hear that it is unreadable
            return self._unreadable() if self._is_joined(channel) else True
        return await self._receive(notification, channel, self._rejoin)

    async def _receive(self, notification: Notification, origin: str, again: Redrain) -> bool:
        is_taken = await self._in_lane(notification)
        if is_taken:
            again.on_taken(origin)
        else:
            again.on_failed(origin)
        return is_taken

    async def _in_lane(self, notification: Notification) -> bool:
        lane = self._lanes.setdefault(notification.origin, _Lane())
        if lane.waiting >= _MOST_WAITING:
            return False
        lane.waiting += 1
        try:
            return await lane.serial.run(lambda: self._take_over(notification))
        finally:
            lane.waiting -= 1
            if lane.waiting == 0:
                self._lanes.pop(notification.origin, None)

    async def _take_over(self, notification: Notification) -> bool:
        why = self._drop_cause(notification)
        if why is not None:
            return self._drop(notification, why)
        await self._ready.wait()
        return False if self._handle is None else await self._run(self._handle, notification)

    def _drop_cause(self, notification: Notification) -> DropCause | None:
        channel = notification.channel
        if channel is None and self._has_left(notification.topic):
            return "unregistered"
        if channel is not None and not self._is_joined(channel):
            return "left"
        verdict = self._taken.verdict(notification)
        if verdict == "repeat":
            return "repeat"
        return "overtaken" if verdict == "outdated" else None

    async def _run(self, handle: Handle, notification: Notification) -> bool:
        thrown = await outcome_of(lambda: handle(notification))
        if thrown is None:
            return await self._remember(notification)
        error = HandlerError(
            "HandlerFailed",
            f"the handler failed on notification {notification.id}, which will come again: "
            f"{message_of(thrown)}",
            topic=notification.topic,
            channel=notification.channel,
        )
        error.__cause__ = thrown
        self._report(error)
        return False

    async def _remember(self, notification: Notification) -> bool:
        """What is not remembered is not acknowledged either: rather a repeat than a surprise later."""
        try:
            await self._taken.record(notification)
        except Exception as thrown:
            self._report(as_fault(thrown))
            return False
        return True

    def _drop(self, notification: Notification, why: DropCause) -> bool:
        id, topic = notification.id, notification.topic
        self._log.info("notification %s for %s dropped: %s", id, topic, _DROP_TEXT[why])
        self._dropped(Dropped(id, topic, notification.channel, why))
        return True

    def _unreadable(self) -> bool:
        """Acknowledged anyway: it would not be any more readable the next time."""
        self._report(
            BadMessageError("BadMessage", "a notification from the service could not be read and was dropped")
        )
        return True
