"""The device for programs without asyncio: calls wait, and callbacks run in threads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from ._activation import Activation
from ._aio import AsyncDevice, Settings
from ._notification import Notification

Result = TypeVar("Result")
Handler = Callable[[Notification], None]
"""Takes a notification over. It is acknowledged when this returns, or sent again when it raises."""


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
        self._is_closed = False
        self._heard: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        _thread(self._serve, "heliograph")
        opening = AsyncDevice.open(directory, activation=activation, settings=settings)
        try:
            self._device = self._run(opening)
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise
        _thread(self._listen, "heliograph-events")

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
        """Adds a listener for ``connected``, ``disconnected``, ``token``, ``accepted``, ``rejected`` or
        ``error``; the returned function removes it.

        Listeners are called one after the other, in a thread of the device.
        """

        async def hear(event: Any) -> None:
            told: asyncio.Future[None] = self._loop.create_future()
            self._heard.put(lambda: self._tell(told, lambda: listener(event)))
            await told

        return self._device.on(name, hear)

    def on_notification(self, handler: Handler) -> Handler:
        """Sets what takes notifications over; until then they wait, unacknowledged.

        A second call replaces it. Can be used as a decorator. Handlers run in threads of their own,
        one for each topic and channel that has something to handle.
        """

        async def handle(notification: Notification) -> None:
            handled: asyncio.Future[None] = self._loop.create_future()
            _thread(lambda: self._tell(handled, lambda: handler(notification)), "heliograph-handler")
            await handled

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

        The device cannot be used again.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._run(self._device.close())
        self._heard.put(None)
        # a handler that outlasts this is still remembered
        asyncio.run_coroutine_threadsafe(self._wind_down(), self._loop)

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def _listen(self) -> None:
        while (action := self._heard.get()) is not None:
            action()

    async def _wind_down(self) -> None:
        await self._device.finish()
        self._loop.stop()

    def _tell(self, done: asyncio.Future[None], action: Callable[[], None]) -> None:
        """Runs the program's own code, and tells the loop how it ended, if that still runs."""
        error: Exception | None = None
        try:
            action()
        except Exception as thrown:  # the loop reports it
            error = thrown
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, done, error)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _thread(target: Callable[[], None], name: str) -> None:
    threading.Thread(target=target, name=name, daemon=True).start()
