"""Follows the service to another place."""

from __future__ import annotations

import dataclasses
import math
import re
import time
from collections.abc import Callable

from ._backoff import Random
from ._events import Events, Moved
from ._identity import Broker, IdentityStore, parse_broker
from ._json import JsonObject, as_object
from ._lifetime import Lifetime, nothing
from ._program import Log
from .errors import ActivationError, BadMessageError, HeliographDeviceError, MoveRefusedError

MayMoveTo = Callable[[str, int], bool]
"""Whether the device may follow the service to this host and port."""

_TRIES = 3
"""Attempts at the new place before one at the old."""

_PROOF_S = 60.0
"""How long the new place has to answer for every token, from its CONNACK on."""

_FIRST_REST_S = 60.0
_LAST_REST_S = 3600.0
"""The first rest at the old place; each is twice the one before, and half to one and a half of it."""

_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
"""A name or an address, and nothing that a log or a certificate's check could misread."""

_MOST_CA_CHARACTERS = 32 * 1024


class Move:
    """The old place stays on disk until the new one has let the device in and answered for its tokens.

    While it does not, the device goes back, rests there, and tries again.
    """

    def __init__(
        self,
        identity: IdentityStore,
        lifetime: Lifetime,
        random: Random,
        events: Events,
        reconnect: Callable[[], None],
        has_every_token: Callable[[], bool],
        may_move_to: MayMoveTo,
        report: Callable[[HeliographDeviceError], None],
        log: Log,
    ) -> None:
        self._identity = identity
        self._lifetime = lifetime
        self._random = random
        self._events = events
        self._reconnect = reconnect
        self._has_every_token = has_every_token
        self._may_move_to = may_move_to
        self._report = report
        self._log = log
        self._failures = 0
        self._rests = 0
        self._rest_until = -math.inf
        self._is_at_new: bool | None = None
        """Where the open connection leads; None while there is none."""
        self._is_answered = False
        self._stop: Callable[[], None] = nothing

    def broker(self) -> Broker:
        """Where to connect now."""
        activated, move = self._identity.current.activated, self._identity.current.move
        if activated is None:
            raise ActivationError("NotActivated", "this device has no certificate: activate it first")
        is_to_follow = self._failures < _TRIES and not self._is_resting()
        return move if move is not None and is_to_follow else activated.mqtt

    def on_opened(self, used: Broker) -> None:
        self._is_at_new = self._is_new(used)
        self._is_answered = False
        if self._is_at_new:
            self._after(_PROOF_S, self._give_up)
        elif self._identity.current.move is not None:
            self._rest()

    def on_failed(self, used: Broker) -> None:
        """An attempt ended before its CONNACK."""
        # nobody at the old place either: no reason to prefer it
        if self._is_new(used):
            self._failures += 1
        else:
            self._try_again()

    def on_disconnected(self) -> None:
        self._stop()
        if self._is_at_new:
            self._failures += 1
        self._is_at_new = None

    async def on_move(self, message: JsonObject) -> None:
        """``heliograph/move``"""
        if "mqtt" not in message:
            await self._stay()
            return
        move = _read_move(message)
        if move is None:
            text = "the service named a place to go to that cannot be one; the device stays"
            self._report(BadMessageError("BadMessage", text))
            return
        activated, known = self._identity.current.activated, self._identity.current.move
        if activated is None or move == known:
            return
        if move == activated.mqtt:
            await self._stay()
        elif not self._may_move_to(move.host, move.port):
            text = f"the service goes to {_name_of(move)}, where this program lets its device not go"
            self._report(MoveRefusedError("MoveRefused", text))
        else:
            await self._begin(move)

    def on_account(self) -> None:
        """The service has said what happened to the tokens."""
        self._is_answered = True

    async def settle(self) -> None:
        """To be called after every answer: the one that was missing may have come."""
        move = self._identity.current.move
        if not self._is_at_new or move is None or not self._is_answered or not self._has_every_token():
            return
        self._stop()
        self._is_at_new = False
        await self._identity.change(
            lambda kept: dataclasses.replace(
                kept,
                move=None,
                activated=kept.activated and dataclasses.replace(kept.activated, mqtt=move),
            )
        )
        self._try_again()
        # two services that send a device to each other do not make it hurry
        self._rest_until = time.monotonic() + self._rest_time()
        self._log.info("the device has moved to %s", _name_of(move))
        self._events.emit("moved", Moved(move.host, move.port))

    async def _begin(self, move: Broker) -> None:
        if self._is_at_new:
            # what is said from here on proves nothing of a place that has not been dialed yet
            self._is_at_new = False
        await self._identity.change(lambda kept: dataclasses.replace(kept, move=move))
        self._log.info("the service goes to %s: following", _name_of(move))
        self._failures = 0
        self._rests = 0
        self._after(max(0.0, self._rest_until - time.monotonic()), self._go)

    async def _stay(self) -> None:
        """What the place that is being tried says of it changes nothing."""
        if self._is_at_new or self._identity.current.move is None:
            return
        self._stop()
        await self._identity.change(lambda kept: dataclasses.replace(kept, move=None))
        self._log.info("the service stays where it is")

    def _go(self) -> None:
        self._try_again()
        self._reconnect()

    def _try_again(self) -> None:
        self._failures = 0
        self._rest_until = -math.inf

    def _give_up(self) -> None:
        """The new place let the device in and does not serve it."""
        self._log.info("the new place does not answer: back to the old one")
        self._failures = _TRIES
        self._reconnect()

    def _rest(self) -> None:
        """At the old place; a connection that ends meanwhile makes the rest no longer."""
        if not self._is_resting():
            self._rest_until = time.monotonic() + self._rest_time()
            self._rests += 1
        self._after(self._rest_until - time.monotonic(), self._go)

    def _rest_time(self) -> float:
        middle = min(_FIRST_REST_S * 2.0 ** min(self._rests, 20), _LAST_REST_S)
        return middle * (0.5 + self._random())

    def _is_resting(self) -> bool:
        return time.monotonic() < self._rest_until

    def _is_new(self, used: Broker) -> bool:
        return used == self._identity.current.move

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._stop()
        self._stop = self._lifetime.after(seconds, action)


def _read_move(message: JsonObject) -> Broker | None:
    broker = parse_broker(as_object(message.get("mqtt")) or {})
    if broker is None or not _HOST.fullmatch(broker.host) or len(broker.ca) > _MOST_CA_CHARACTERS:
        return None
    return broker


def _name_of(place: Broker) -> str:
    return f"{place.host}:{place.port}"
