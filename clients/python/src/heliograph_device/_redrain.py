"""Asks the service again for what is pending after a notification was not taken over."""

from __future__ import annotations

from collections.abc import Callable

from ._backoff import Random
from ._lifetime import Lifetime

_FIRST_ASK_S = 15.0
_LAST_ASK_S = 15 * 60.0
"""The service tries twice within ten seconds by itself; after that it waits to be asked."""


class Redrain:
    """Otherwise it would lie where it waits until the next connect, which for a steady connection can be
    weeks away. One for topics, whose slots are drained, and one for channels, which are subscribed to
    again."""

    def __init__(self, ask: Callable[[frozenset[str]], None], lifetime: Lifetime, random: Random) -> None:
        self._ask_for = ask
        self._lifetime = lifetime
        self._random = random
        self._failing: set[str] = set()
        self._asked = 0
        self._cancel: Callable[[], None] | None = None

    def on_failed(self, origin: str) -> None:
        self._failing.add(origin)
        if self._cancel is None:
            self._cancel = self._lifetime.after(self._delay(), self._ask)

    def on_taken(self, origin: str) -> None:
        if origin in self._failing:
            self._failing.remove(origin)
            if not self._failing:
                self.stop()

    def stop(self) -> None:
        if self._cancel is not None:
            self._cancel()
        self._cancel = None
        self._failing.clear()
        self._asked = 0

    def _ask(self) -> None:
        self._cancel = None
        self._asked += 1
        self._ask_for(frozenset(self._failing))

    def _delay(self) -> float:
        """Doubles each time; half to one and a half of it, as a whole fleet may fail for one reason."""
        middle = min(_FIRST_ASK_S * 2.0 ** min(self._asked, 20), _LAST_ASK_S)
        return middle * (0.5 + self._random())
