"""Repeats requests until they are answered."""

from __future__ import annotations

from collections.abc import Callable

from ._backoff import Random
from ._lifetime import Lifetime, nothing

_FIRST_REPEAT_S = 10.0
_LAST_REPEAT_S = 600.0
"""The first repeat of a request that was not answered; each pause is twice the one before."""


class Repeats:
    """The service answers without waiting for the device (QoS 0), and drops what a device asks for too
    often, so that an answer can be missing on a good connection."""

    def __init__(self, lifetime: Lifetime, random: Random) -> None:
        self._lifetime = lifetime
        self._random = random
        self._cancels: dict[str, Callable[[], None]] = {}

    def start(self, what: str, again: Callable[[], None], pause: float = _FIRST_REPEAT_S) -> None:
        """Does it again after a pause, and again, until ``stop``. A repeated one begins anew."""
        self.stop(what)

        def repeat() -> None:
            self.start(what, again, min(_LAST_REPEAT_S, pause * 2))
            again()

        self._cancels[what] = self._lifetime.after(pause * (0.5 + self._random()), repeat)

    def stop(self, what: str) -> None:
        self._cancels.pop(what, nothing)()

    def stop_all(self) -> None:
        for what in list(self._cancels):
            self.stop(what)
