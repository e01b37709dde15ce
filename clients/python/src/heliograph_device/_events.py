"""What a device tells its program."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ._program import Log, outcome_of
from .errors import HandlerError, HeliographDeviceError, message_of


@dataclass(frozen=True)
class Connected:
    """The broker has taken the connection (CONNACK)."""

    device_id: str


@dataclass(frozen=True)
class Disconnected:
    """The connection ended or an attempt failed."""

    cause: str
    retry_in: float | None = None
    """Seconds until the next attempt; None after ``close``."""


@dataclass(frozen=True)
class TokenChanged:
    """A topic has a token it did not have before: send it to the provider."""

    topic: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Accepted:
    """The service knows these topics as registered, seen from this connection."""

    topics: tuple[str, ...]


@dataclass(frozen=True)
class Rejected:
    """The service refused a token; the SDK registers again where that can help."""

    topic: str | None
    token: str = field(repr=False)
    reason: str


DropCause = Literal["repeat", "overtaken", "unregistered", "left"]
"""Why a notification does not reach the handler: it was taken over before; a newer one of its topic or
channel was; its topic is unregistered; its channel is not joined."""


@dataclass(frozen=True)
class Dropped:
    """A notification was acknowledged and did not reach the handler."""

    id: str
    topic: str
    channel: str | None
    """The channel that it was published on; None if it was sent to this device."""
    why: DropCause


@dataclass(frozen=True)
class Moved:
    """The device has followed the service to this place, and knows no other any more."""

    host: str
    port: int


Event = (
    Connected | Disconnected | TokenChanged | Accepted | Rejected | Dropped | Moved | HeliographDeviceError
)
Listener = Callable[[Any], Awaitable[None] | None]

EVENTS = ("connected", "disconnected", "token", "accepted", "rejected", "dropped", "moved", "error")


class Events:
    """The listeners of one device.

    A listener that raises ends in an ``error`` event, and an ``error`` that nobody listens to becomes a
    line of the log: never an exit, never silence.
    """

    def __init__(self, log: Log) -> None:
        self._listeners: dict[str, list[Listener]] = {name: [] for name in EVENTS}
        self._log = log
        self._running: set[asyncio.Future[None]] = set()

    def on(self, name: str, listener: Listener) -> Callable[[], None]:
        """Adds a listener; the returned function removes it."""
        if name not in self._listeners:
            raise ValueError(f"there is no event {name!r}: it is one of {', '.join(EVENTS)}")
        self._listeners[name].append(listener)

        def remove() -> None:
            if listener in self._listeners[name]:
                self._listeners[name].remove(listener)

        return remove

    def emit(self, name: str, event: Event) -> None:
        listeners = list(self._listeners[name])
        if name == "error" and not listeners:
            self._log.warning("%s", event)
        for listener in listeners:
            self._call(name, listener, event)

    def _call(self, name: str, listener: Listener, event: Event) -> None:
        try:
            answer = listener(event)
        except KeyboardInterrupt:
            raise
        except BaseException as thrown:  # sys.exit() or a CancelledError would end what emits the event
            self._failed(name, thrown)
            return
        if inspect.isawaitable(answer):
            running = asyncio.ensure_future(self._watch(name, answer))
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def _watch(self, name: str, answer: Awaitable[None]) -> None:
        thrown = await outcome_of(lambda: answer)
        if thrown is not None:
            self._failed(name, thrown)

    async def idle(self) -> None:
        """Returns when no listener is at work."""
        while self._running:
            await asyncio.wait(self._running)

    def _failed(self, name: str, thrown: BaseException) -> None:
        error = HandlerError("ListenerFailed", f'a listener for "{name}" failed: {message_of(thrown)}')
        error.__cause__ = thrown
        if name == "error":
            self._log.warning("%s", error)
        else:
            self.emit("error", error)
