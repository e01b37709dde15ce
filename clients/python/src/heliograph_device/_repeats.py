"""Repeats requests until they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ._backoff import Random

_FIRST_REPEAT_S = 10.0
_LAST_REPEAT_S = 600.0
"""The first repeat of a request that was not answered; each pause is twice the one before."""


class Repeats:
    """The service answers without waiting for the device (QoS 0), and drops what a device asks for too
    often, so that an answer can be missing on a good connection."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self, what: str, again: Callable[[], None], pause: float = _FIRST_REPEAT_S) -> None:
        """Does it again after a pause, and again, until ``stop``. A repeated one begins anew."""
        self.stop(what)

        def repeat() -> None:
            self.start(what, again, min(_LAST_REPEAT_S, pause * 2))
            again()

        loop = asyncio.get_running_loop()
        self._timers[what] = loop.call_later(pause * (0.5 + self._random()), repeat)

    def stop(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer is not None:
            timer.cancel()

    def stop_all(self) -> None:
        for what in list(self._timers):
            self.stop(what)
