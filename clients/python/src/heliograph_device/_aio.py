"""The device, for asyncio."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random as random_module
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from ._activation import Activation, activate
from ._backoff import Random
from ._certificate import certificate_age
from ._channel_store import ChannelStore
from ._channels import Channels, channel_of_topic
from ._connection import Connection, ConnectionParts
from ._events import Connected, Disconnected, Events, Listener
from ._files import Disk, Serial, make_directory
from ._identity import Activated, IdentityStore
from ._inbox import Inbox
from ._json import JsonObject, parse_object
from ._lifetime import Lifetime
from ._link import LinkOptions
from ._move import MayMoveTo, Move
from ._notification import Notification
from ._program import Log
from ._redrain import Redrain
from ._registrar import Registrar
from ._registrations import RegistrationStore
from ._renewal import Renewal
from ._taken import TakenStore
from .errors import (
    ActivationError,
    BadMessageError,
    CertificateExpiredError,
    ClosedError,
    HeliographDeviceError,
    NotConnectedError,
    as_fault,
)

Result = TypeVar("Result")
AsyncHandler = Callable[[Notification], Awaitable[None] | None]
"""Takes a notification over. It is acknowledged when this has finished, or sent again when it raises."""


_LOGGER = logging.getLogger("heliograph_device")


@dataclass(frozen=True)
class Settings:
    """How a device behaves; the defaults are right for nearly all."""

    time_limit: float = 30.0
    """Seconds that ``register``, ``unregister`` and ``join`` wait for the service."""
    close_limit: float = 5.0
    """Seconds that ``close`` waits for handlers at work."""
    keepalive: int = 60
    """Seconds; IoT Core drops a silent connection after one and a half times this."""
    connect_timeout: float = 20.0
    """Seconds that an attempt may take up to CONNACK."""
    logger: logging.Logger = _LOGGER
    """Gets lines for a person; they hold no payload, token, code, key or id of a channel."""
    may_move_to: MayMoveTo = lambda host, port: True
    """Whether the device may follow the service to this host and port."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    random: Random = random_module.random


@dataclass(frozen=True)
class Stores:
    disk: Disk
    identity: IdentityStore
    registrations: RegistrationStore
    channels: ChannelStore
    taken: TakenStore


def open_stores(directory: str | os.PathLike[str]) -> Stores:
    """Reads the state of a device, or makes a new one; raises StateError where it cannot be read."""
    path = Path(directory)
    disk = Disk()
    make_directory(path)
    identity = IdentityStore(path, disk)
    registrations = RegistrationStore(path, disk)
    return Stores(disk, identity, registrations, ChannelStore(path, disk), TakenStore(path, disk))


class AsyncDevice:
    """A device: its identity, its one connection, its topics and its notifications.

    Open it with ``AsyncDevice.open``, in the event loop that it is used in. One running process per
    directory.
    """

    def __init__(
        self, stores: Stores, directory: str, activation: Activation | None, settings: Settings
    ) -> None:
        """Use ``AsyncDevice.open``."""
        self._stores = stores
        self._directory = directory
        self._activation = activation
        self._settings = settings
        self._log = Log(settings.logger)
        self._events = Events(self._log)
        self._tasks: set[asyncio.Task[object]] = set()
        self._control = Serial()
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._activating: asyncio.Task[str] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._lifetime = Lifetime()
        self._registrar = Registrar(
            stores.registrations,
            self._send,
            self._events,
            self._lifetime,
            settings.random,
            settings.time_limit,
            self._start,
        )
        self._renewal = Renewal(
            stores.identity,
            self._send,
            settings.clock,
            self._lifetime,
            self._reconnect,
            self._report,
            self._log,
            self._start,
        )
        self._move = Move(
            stores.identity,
            self._lifetime,
            settings.random,
            self._events,
            self._reconnect,
            self._registrar.has_every_token,
            settings.may_move_to,
            self._report,
            self._log,
        )
        self._channels = Channels(
            stores.channels,
            self._subscribe,
            self._unsubscribe,
            self._report,
            self._lifetime,
            settings.random,
            settings.time_limit,
            self._start,
        )
        self._redrain = Redrain(lambda _topics: self._registrar.present(), self._lifetime, settings.random)
        self._rejoin = Redrain(self._channels.ask_again, self._lifetime, settings.random)
        self._inbox = Inbox(
            stores.taken,
            self._registrar.has_left,
            self._channels.is_joined,
            self._redrain,
            self._rejoin,
            self._report,
            lambda event: self._events.emit("dropped", event),
            self._log,
        )

    @classmethod
    async def open(
        cls,
        directory: str | os.PathLike[str],
        *,
        activation: Activation | None = None,
        settings: Settings | None = None,
    ) -> AsyncDevice:
        """Reads the state of a device, or makes a new one; raises StateError where it cannot be read.

        ``activation`` is needed once, until the device has its certificate.
        """
        stores = await asyncio.to_thread(open_stores, directory)
        return cls(stores, os.fspath(directory), activation, settings or Settings())

    async def __aenter__(self) -> AsyncDevice:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def device_id(self) -> str | None:
        """The id the service gave this device; None before activation."""
        activated = self._stores.identity.current.activated
        return None if activated is None else activated.device_id

    @property
    def is_connected(self) -> bool:
        return self._connection is not None and self._connection.is_open

    def on(self, name: str, listener: Listener) -> Callable[[], None]:
        """Adds a listener for ``connected``, ``disconnected``, ``token``, ``accepted``, ``rejected``,
        ``dropped``, ``moved`` or ``error``; the returned function removes it. It may be a coroutine
        function."""
        return self._events.on(name, listener)

    def on_notification(self, handler: AsyncHandler) -> AsyncHandler:
        """Sets what takes notifications over; until then they wait, unacknowledged.

        A second call replaces it. Can be used as a decorator. A handler that is no coroutine function
        runs in the event loop, and holds it up.
        """

        self._refuse_closed()
        self._inbox.handle_with(handler)
        return handler

    async def activate(self) -> str:
        """Gets the device its certificate and returns its id.

        Does nothing when it has one, unless that has expired. After a lost answer, call it again with
        the same code.
        """
        self._refuse_closed()
        activated = self._stores.identity.current.activated
        if activated is not None and not self._has_expired(activated):
            return activated.device_id
        if self._activating is None or self._activating.done():
            self._activating = _begin(self._activate())
        return await asyncio.shield(self._activating)

    async def connect(self) -> None:
        """Connects, activating first where needed, and keeps the device connected until ``close``.

        Returns at the first CONNACK, however long that takes; ``disconnected`` tells of every failed
        attempt.
        """
        self._refuse_closed()
        task = self._connecting
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._connecting = _begin(self._connect())
        await asyncio.shield(task)

    async def register(self, topic: str) -> str:
        """Registers for a topic and returns its device token.

        Raises RefusedError with the service's reason (for example ``UnknownTopic``), or
        RequestTimeoutError.
        """
        self._refuse_closed()
        return await asyncio.shield(self._registrar.register(_checked(topic)))

    async def unregister(self, topic: str) -> None:
        """Makes the topic's token dead; returns when the service has been told.

        After a timeout the wish is kept, and told at the next connect. Notifications for the topic are
        dropped from now on.
        """
        self._refuse_closed()
        await asyncio.shield(self._registrar.unregister(_checked(topic)))

    def tokens(self) -> dict[str, str]:
        """The token of every registered topic."""
        return self._registrar.tokens()

    async def join(self, channel: str) -> None:
        """Joins a channel by its id, and returns when the broker has granted it.

        The device stays joined, also over restarts. Raises ChannelError (``BadChannelId``,
        ``TooManyChannels``, ``ChannelRefused``) or RequestTimeoutError, after which the wish is kept.
        """
        self._refuse_closed()
        await asyncio.shield(self._channels.join(channel))

    async def leave(self, channel: str) -> None:
        """Leaves a channel; what still comes on it is dropped. Needs no connection."""
        self._refuse_closed()
        await asyncio.shield(self._channels.leave(channel))

    def channels(self) -> tuple[str, ...]:
        """The ids of the joined channels."""
        return self._channels.joined()

    async def close(self) -> None:
        """Lets handlers at work finish, within ``close_limit``, and disconnects; ends every wait with
        ClosedError.

        The device cannot be used again. A second call ends with the first.
        """
        if self._closing is None:
            self._closing = _begin(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        finishing = self._start(self.finish())
        await asyncio.wait([finishing], timeout=self._settings.close_limit)
        finishing.cancel()
        self._lifetime.end()
        if self._activating is not None:
            self._activating.cancel()
        self._registrar.close()
        self._channels.close()
        if self._connection is not None:
            await self._connection.stop()
        await self._stores.identity.idle()
        await self._stores.registrations.idle()
        await self._stores.channels.idle()
        await self._stores.taken.idle()

    async def listeners_idle(self) -> None:
        """Returns when no listener is at work."""
        await self._events.idle()

    async def finish(self) -> None:
        """Returns when no handler is at work, and what was taken over is acknowledged."""
        await self._inbox.finish()
        if self._connection is not None:
            await self._connection.idle()

    # Parts that speak to each other.

    def _start(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Runs beside everything else; what it raises is reported."""
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, NotConnectedError):
            self._report(as_fault(error))

    def _refuse_closed(self) -> None:
        if self._closing is not None:
            raise ClosedError("Closed", "this device was closed: open it again")

    def _has_expired(self, activated: Activated) -> bool:
        return certificate_age(activated.certificate, self._settings.clock()) == "expired"

    async def _activate(self) -> str:
        if self._activation is None:
            raise ActivationError(
                "NotActivated",
                f"the device in {self._directory} has no valid certificate: "
                "open it with an activation url and code",
            )
        try:
            device_id = await activate(self._activation, self._stores.identity, self._settings.random)
        except asyncio.CancelledError:
            if self._closing is None:
                raise
            text = "the device was closed before it was activated"
            raise ClosedError("Closed", text) from None
        self._log.info("activated as %s", device_id)
        return device_id

    async def _connect(self) -> None:
        if self.device_id is None:
            await self.activate()
        self._refuse_closed()
        self._warn_of_expiry()
        self._connection = Connection(
            ConnectionParts(
                self._settings.random,
                self._link_options,
                self._on_opened,
                self._on_failed,
                self._on_closed,
                self._start,
                self._report,
            )
        )
        await self._connection.start()

    def _warn_of_expiry(self) -> None:
        """Only a warning: the device's clock may be the one that is wrong."""
        current = self._stores.identity.current
        has_next = current.next is not None and current.next.certificate is not None
        if current.activated is None or has_next or not self._has_expired(current.activated):
            return
        self._report(
            CertificateExpiredError(
                "CertificateExpired",
                "the certificate of this device has expired by its clock: set the clock, "
                "or activate it again with a new code",
            )
        )

    def _activated(self) -> Activated:
        activated = self._stores.identity.current.activated
        if activated is None:
            raise ActivationError("NotActivated", "this device has no certificate: activate it first")
        return activated

    def _link_options(self) -> LinkOptions:
        activated = self._activated()
        return LinkOptions(
            self._move.broker(),
            self._renewal.credentials(),
            activated.device_id,
            self._settings.keepalive,
            self._settings.connect_timeout,
            self._receive,
        )

    def _reconnect(self) -> None:
        if self._connection is not None:
            self._connection.redial()

    async def _send(self, request: str, body: JsonObject) -> None:
        activated = self._stores.identity.current.activated
        topic = None if activated is None else activated.publish.get(request)
        if self._connection is None or topic is None:
            raise NotConnectedError("NotConnected", "the device is not connected")
        await self._connection.publish(topic, json.dumps(body))

    async def _subscribe(self, filters: Sequence[str]) -> list[bool]:
        if self._connection is None:
            raise NotConnectedError("NotConnected", "the device is not connected")
        return await self._connection.subscribe(filters)

    def _unsubscribe(self, topic_filter: str) -> None:
        if self._connection is not None:
            self._connection.unsubscribe(topic_filter)

    def _on_failed(self, used: LinkOptions) -> None:
        self._renewal.on_failed(used.credentials)
        self._move.on_failed(used.broker)

    def _on_opened(self, used: LinkOptions) -> None:
        device_id = self._activated().device_id
        self._log.info("connected as %s", device_id)
        self._move.on_opened(used.broker)
        self._registrar.on_connected()
        self._channels.on_connected()
        self._start(self._renewal.on_connected(used.credentials))
        self._events.emit("connected", Connected(device_id))

    def _on_closed(self, cause: str, retry_in: float | None) -> None:
        self._registrar.on_disconnected()
        self._channels.on_disconnected()
        self._renewal.on_disconnected()
        self._move.on_disconnected()
        following = "" if retry_in is None else f"; next attempt in {retry_in:.3f} s"
        self._log.info("not connected: %s%s", cause, following)
        self._events.emit("disconnected", Disconnected(cause, retry_in))

    async def _receive(self, topic: str, message: bytes, retained: bool) -> bool:
        """Every message ends here; what cannot be taken over is reported and not acknowledged."""
        try:
            if topic == "heliograph/notification":
                return await self._inbox.receive(message)
            if (channel := channel_of_topic(topic)) is not None:
                return await self._inbox.receive_broadcast(channel, message, retained)
            await self._control.run(lambda: self._receive_control(topic, message))
        except Exception as thrown:  # whatever it is, the device goes on
            self._report(as_fault(thrown))
            return False
        return True

    async def _receive_control(self, topic: str, message: bytes) -> None:
        await self._dispatch(topic, message)
        await self._move.settle()

    async def _dispatch(self, topic: str, message: bytes) -> None:
        data = parse_object(message.decode("utf-8", "replace"))
        if data is None:
            self._report(BadMessageError("BadMessage", f"a message on {topic} is not a JSON object"))
        elif topic == "heliograph/token":
            await self._registrar.on_token(data)
        elif topic == "heliograph/connected":
            await self._registrar.on_account(data)
            self._move.on_account()
        elif topic == "heliograph/move":
            await self._move.on_move(data)
        elif topic == "heliograph/error":
            await self._registrar.on_error(data)
        elif topic == "heliograph/certificate":
            await self._renewal.on_certificate(data)
        else:
            self._log.info("a message on %s is of no use to this version", topic)

    def _report(self, error: HeliographDeviceError) -> None:
        self._log.info("%s", error)
        self._events.emit("error", error)


def _begin(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """A task that several may wait for; where all of them gave up, its failure is no news."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def _checked(topic: str) -> str:
    if not isinstance(topic, str) or topic == "":
        raise TypeError("a topic is the app's bundle id, for example com.example.app")
    return topic
