"""Keeps the device's subscriptions and the channels that its program has joined the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from ._backoff import Random
from ._channel_store import MOST_CHANNELS, ChannelStore, is_channel_id
from ._lifetime import Lifetime
from ._repeats import Repeats
from ._waits import await_as, reject, resolve
from .errors import (
    ChannelError,
    ClosedError,
    HeliographDeviceError,
    NotConnectedError,
    RequestTimeoutError,
    as_fault,
)

_PREFIX = "heliograph/channel/"
_MOST_FILTERS = 8
"""In one SUBSCRIBE (AWS IoT Core quotas)."""

Subscribe = Callable[[Sequence[str]], Awaitable[Sequence[bool]]]
"""Subscribes to topics and returns which were granted; raises NotConnectedError when the connection ends
before, or if there is none."""


def channel_topic(channel: str) -> str:
    return _PREFIX + channel


def channel_of_topic(topic: str) -> str | None:
    channel = topic.removeprefix(_PREFIX)
    return channel if topic.startswith(_PREFIX) and is_channel_id(channel) else None


class Channels:
    def __init__(
        self,
        store: ChannelStore,
        subscribe: Subscribe,
        unsubscribe: Callable[[str], None],
        report: Callable[[HeliographDeviceError], None],
        lifetime: Lifetime,
        random: Random,
        time_limit: float,
        start: Callable[[Coroutine[Any, Any, object]], object],
    ) -> None:
        self._store = store
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._report = report
        self._time_limit = time_limit
        self._start = start
        self._repeats = Repeats(lifetime, random)
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._granted: set[str] = set()
        """Those that the broker has granted on this connection."""
        self._is_connected = False

    def joined(self) -> tuple[str, ...]:
        return self._store.channels

    def is_joined(self, channel: str) -> bool:
        return channel in self._store.channels

    def join(self, channel: str) -> asyncio.Future[None]:
        """Done when the broker has granted it, now or as soon as there is a connection."""
        _check(channel)
        asked = self._waiting.get(channel)
        if asked is not None:
            return asked
        late = RequestTimeoutError(
            "Timeout",
            f"a channel was not joined within {self._time_limit:g} s: "
            "it is asked for again when the device connects",
            channel=channel,
        )
        answer = await_as(self._waiting, channel, self._time_limit, late)
        if channel in self._granted:
            resolve(answer, None)
        else:
            self._start(self._want(channel, answer))
        return answer

    async def _want(self, channel: str, answer: asyncio.Future[None]) -> None:
        try:
            has_room = await self._store.add(channel)
        except HeliographDeviceError as error:
            reject(answer, error)
            return
        if has_room:
            self._ask([channel])
        else:
            text = f"a device can join {MOST_CHANNELS} channels: leave another one first"
            reject(answer, ChannelError("TooManyChannels", text, channel=channel))

    def leave(self, channel: str) -> asyncio.Future[None]:
        """Done when it is forgotten on disk: the next connection would not subscribe to it any more."""
        _check(channel)
        # from now on a join is a new wish, which has to be granted again
        self._granted.discard(channel)
        reject(
            self._waiting.pop(channel, None),
            ClosedError("Closed", "the channel was left", channel=channel),
        )
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._start(self._forget(channel, answer))
        return answer

    async def _forget(self, channel: str, answer: asyncio.Future[None]) -> None:
        try:
            await self._store.remove(channel)
        except HeliographDeviceError as error:
            reject(answer, error)
            return
        self._repeats.stop(channel)
        self._unsubscribe(channel_topic(channel))
        resolve(answer, None)

    def on_connected(self) -> None:
        """After every CONNACK, and after the tokens were presented."""
        self._is_connected = True
        self._granted.clear()
        self._ask(self._store.channels)

    def on_disconnected(self) -> None:
        self._is_connected = False
        self._granted.clear()
        self._repeats.stop_all()

    def ask_again(self, channels: Iterable[str]) -> None:
        """Subscribes again, so that the broker sends what it has retained."""
        self._ask([channel for channel in channels if self.is_joined(channel)])

    def close(self) -> None:
        """Ends every wait; a wish that is still being written is on disk then, and asked for by nobody."""
        self.on_disconnected()
        closed = ClosedError("Closed", "the device was closed before the broker answered")
        for waiting in list(self._waiting.values()):
            reject(waiting, closed)

    def _ask(self, channels: Sequence[str]) -> None:
        """Without a connection nothing: the next CONNACK asks for all that are to be joined."""
        if not self._is_connected:
            return
        for at in range(0, len(channels), _MOST_FILTERS):
            some = channels[at : at + _MOST_FILTERS]
            for channel in some:
                self._repeats.start(channel, self._repeat_of(channel))
            self._start(self._send(some))

    def _repeat_of(self, channel: str) -> Callable[[], None]:
        def repeat() -> None:
            if self.is_joined(channel):
                self._start(self._send([channel]))
            else:
                self._repeats.stop(channel)

        return repeat

    async def _send(self, channels: Sequence[str]) -> None:
        try:
            granted = await self._subscribe([channel_topic(channel) for channel in channels])
        except NotConnectedError:
            return  # asked again at the next CONNACK
        for channel, is_granted in zip(channels, granted, strict=False):
            if is_granted:
                self._on_granted(channel)
            else:
                await self._on_refused(channel)

    def _on_granted(self, channel: str) -> None:
        if not self.is_joined(channel):
            return
        self._repeats.stop(channel)
        self._granted.add(channel)
        resolve(self._waiting.get(channel), None)

    async def _on_refused(self, channel: str) -> None:
        """A wish that somebody waits for is over. A channel that had been joined is kept and asked for
        again: a broker that is busy refuses in the same words."""
        if not self.is_joined(channel):
            return
        error = ChannelError("ChannelRefused", "the broker refused a channel", channel=channel)
        waiting = self._waiting.pop(channel, None)
        if waiting is None:
            self._report(error)
            return
        self._repeats.stop(channel)
        reject(waiting, error)
        try:
            await self._store.remove(channel)
        except Exception as thrown:  # the other channels of the answer have theirs all the same
            self._report(as_fault(thrown))


def _check(channel: str) -> None:
    if not is_channel_id(channel):
        text = "this cannot be the id of a channel: 24 letters and digits"
        raise ChannelError("BadChannelId", text)
