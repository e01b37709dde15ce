"""Keeps one connection alive until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from ._backoff import STABLE_AFTER_S, Random, retry_delay
from ._link import Link, LinkOptions
from .errors import ClosedError, HeliographDeviceError, NotConnectedError, as_fault, message_of


@dataclass(frozen=True)
class ConnectionParts:
    """What the connection asks of the device around it."""

    random: Random
    link_options: Callable[[], LinkOptions]
    """All for the next attempt; asked each time, as the certificate may have changed."""
    on_opened: Callable[[LinkOptions], None]
    on_failed: Callable[[LinkOptions], None]
    on_closed: Callable[[str, float | None], None]
    """An open connection or an attempt has ended; None when no attempt follows."""
    start: Callable[[Coroutine[Any, Any, object]], object]
    report: Callable[[HeliographDeviceError], None]


class Connection:
    """Any end is allowed at any time (IoT Core closes for its own upgrades too); the wait before the
    next attempt grows until a connection has proved stable."""

    def __init__(self, parts: ConnectionParts) -> None:
        self._parts = parts
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._link: Link | None = None
        self.is_open = False
        self._is_stopped = False
        self._redials = False
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> asyncio.Future[None]:
        """Dials; done at the first CONNACK, however many attempts that takes."""
        self._dial()
        return self._first

    async def publish(self, topic: str, message: str) -> None:
        if self._link is None or not self.is_open:
            raise NotConnectedError("NotConnected", "the device is not connected")
        await self._link.publish(topic, message)

    async def subscribe(self, filters: Sequence[str]) -> list[bool]:
        if self._link is None or not self.is_open:
            raise NotConnectedError("NotConnected", "the device is not connected")
        return await self._link.subscribe(filters)

    def unsubscribe(self, topic_filter: str) -> None:
        """Does nothing while there is no connection: the next one starts without subscriptions."""
        if self._link is not None and self.is_open:
            self._link.unsubscribe(topic_filter)

    async def idle(self) -> None:
        """Returns when every message so far has been taken over, or has failed to be."""
        if self._link is not None:
            await self._link.idle()

    def redial(self) -> None:
        """Ends the connection and dials again at once."""
        self._redials = True
        if self._link is not None:
            self._parts.start(self._link.end())

    async def stop(self) -> None:
        self._is_stopped = True
        self._cancel()
        if not self._first.done():
            self._first.set_exception(ClosedError("Closed", "the device was closed before it was connected"))
        if self._link is not None:
            await self._link.end()

    def _dial(self) -> None:
        if self._is_stopped:
            return
        options = self._parts.link_options()
        link = Link(options)
        self._link = link
        self._parts.start(self._watch(link, options))

    async def _watch(self, link: Link, used: LinkOptions) -> None:
        try:
            await link.opened
        except NotConnectedError:
            self._tell(lambda: self._parts.on_failed(used))
        else:
            self._on_opened(used)
        self._on_closed(await link.closed)

    def _on_opened(self, used: LinkOptions) -> None:
        self.is_open = True
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(STABLE_AFTER_S, self._has_proved_stable)
        self._tell(lambda: self._parts.on_opened(used))
        if not self._first.done():
            self._first.set_result(None)

    def _has_proved_stable(self) -> None:
        self._failures = 0

    def _on_closed(self, cause: str) -> None:
        self.is_open = False
        self._link = None
        self._cancel()
        if self._is_stopped:
            self._tell(lambda: self._parts.on_closed(cause, None))
        else:
            self._retry_after(cause)

    def _retry_after(self, cause: str) -> None:
        wait = 0.0
        if not self._redials:
            wait = retry_delay(self._failures, self._parts.random)
            self._failures += 1
        self._redials = False
        self._timer = asyncio.get_running_loop().call_later(wait, self._try_dial)
        self._tell(lambda: self._parts.on_closed(cause, wait))

    def _try_dial(self) -> None:
        """What fails before there is a connection that could close is an end like any other."""
        try:
            self._dial()
        except Exception as error:
            self._on_closed(message_of(error))

    def _tell(self, tell: Callable[[], None]) -> None:
        """Whatever comes of it, the connection is watched on, and dialed again."""
        try:
            tell()
        except Exception as thrown:
            self._parts.report(as_fault(thrown))

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
