"""The device for programs without asyncio: calls wait, and callbacks run in threads."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import queue
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from ._activation import Activation
from ._aio import AsyncDevice, Settings
from ._notification import Notification
from ._program import in_thread, settle_with, start_thread
from .errors import ClosedError

Result = TypeVar("Result")
Handler = Callable[[Notification], None]
"""Takes a notification over. It is acknowledged when this returns, or sent again when it raises."""

_LAST_CALLS_S = 1.0
"""How long the loop goes on for the calls that came while it ended."""


class Device:
    """A device: its identity, its one connection, its topics and its notifications.

    All methods can be called from any thread, also inside handlers and listeners. One running process
    per directory.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        activation: Activation | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Reads the state of a device, or makes a new one; raises StateError where it cannot be read.

        ``activation`` is needed once, until the device has its certificate.
        """
        self._loop = asyncio.new_event_loop()
        self._is_over = False
        # a signal handler may call the device while its thread does
        self._entering = threading.RLock()
        self._winding_down: asyncio.Task[None] | None = None
        self._heard: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        start_thread(self._serve, "heliograph")
        opening = AsyncDevice.open(directory, activation=activation, settings=settings)
        try:
            self._device = self._run(opening)
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise
        start_thread(self._listen, "heliograph-events")

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def device_id(self) -> str | None:
        """The id the service gave this device; None before activation."""
        return self._device.device_id

    @property
    def is_connected(self) -> bool:
        return self._device.is_connected

    def on(self, name: str, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Adds a listener for ``connected``, ``disconnected``, ``token``, ``accepted``, ``rejected``,
        ``dropped``, ``moved`` or ``error``; the returned function removes it.

        Listeners are called one after the other, in a thread of the device.
        """

        async def hear(event: Any) -> None:
            told: asyncio.Future[None] = self._loop.create_future()
            self._heard.put(lambda: settle_with(told, lambda: _call(listener, event)))
            await told

        return self._device.on(name, hear)

    def on_notification(self, handler: Handler) -> Handler:
        """Sets what takes notifications over; until then they wait, unacknowledged.

        A second call replaces it. Can be used as a decorator. Handlers run in threads of their own,
        one for each topic and channel that has something to handle.
        """

        async def handle(notification: Notification) -> None:
            await in_thread(lambda: _call(handler, notification), "heliograph-handler")

        async def set_handler() -> None:
            self._device.on_notification(handle)

        self._run(set_handler())
        return handler

    def activate(self) -> str:
        """Gets the device its certificate and returns its id.

        Does nothing when it has one, unless that has expired. After a lost answer, call it again with
        the same code.
        """
        return self._run(self._device.activate())

    def connect(self) -> None:
        """Connects, activating first where needed, and keeps the device connected until ``close``.

        Returns at the first CONNACK, however long that takes.
        """
        self._run(self._device.connect())

    def register(self, topic: str) -> str:
        """Registers for a topic and returns its device token.

        Raises RefusedError with the service's reason (for example ``UnknownTopic``), or
        RequestTimeoutError.
        """
        return self._run(self._device.register(topic))

    def unregister(self, topic: str) -> None:
        """Makes the topic's token dead; returns when the service has been told."""
        self._run(self._device.unregister(topic))

    def tokens(self) -> dict[str, str]:
        """The token of every registered topic."""
        return self._device.tokens()

    def join(self, channel: str) -> None:
        """Joins a channel by its id, and returns when the broker has granted it.

        The device stays joined, also over restarts. Raises ChannelError (``BadChannelId``,
        ``TooManyChannels``, ``ChannelRefused``) or RequestTimeoutError, after which the wish is kept.
        """
        self._run(self._device.join(channel))

    def leave(self, channel: str) -> None:
        """Leaves a channel; what still comes on it is dropped. Needs no connection."""
        self._run(self._device.leave(channel))

    def channels(self) -> tuple[str, ...]:
        """The ids of the joined channels."""
        return self._device.channels()

    def close(self) -> None:
        """Lets handlers at work finish, within ``close_limit``, and disconnects.

        The device cannot be used again. A second call ends with the first.
        """
        with contextlib.suppress(ClosedError):  # that was long ago
            self._run(self._close())

    async def _close(self) -> None:
        """In the loop, so that it comes to its end also where Ctrl-C ends the wait for it."""
        await self._device.close()
        if self._winding_down is None:
            self._winding_down = self._loop.create_task(self._wind_down())

    async def _wind_down(self) -> None:
        """A handler or a listener that outlasts ``close`` is still heard."""
        await self._device.finish()
        await self._device.listeners_idle()
        self._heard.put(None)
        self._loop.stop()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        with self._entering:
            if self._is_over:
                work.close()
                raise ClosedError("Closed", "this device was closed: open it again")
            answer = asyncio.run_coroutine_threadsafe(work, self._loop)
        return answer.result()

    def _serve(self) -> None:
        self._loop.run_forever()
        with self._entering:
            self._is_over = True
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        """Answers the calls that came before ``_is_over``, and leaves no task behind."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, late = await asyncio.wait(others, timeout=_LAST_CALLS_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _listen(self) -> None:
        while (action := self._heard.get()) is not None:
            action()


def _call(own: Callable[[Any], None], given: Any) -> None:
    """Runs the program's own code, which nobody awaits here."""
    answer: object = own(given)  # type: ignore[func-returns-value]
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise TypeError("a coroutine function is of use to AsyncDevice only: Device calls plain functions")
