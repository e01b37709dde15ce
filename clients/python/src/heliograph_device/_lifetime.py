"""The timers of one device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Lifetime:
    """What it has set ends with the device, and afterwards nothing can be set: what was under way when the
    device was closed can come to its end later."""

    def __init__(self) -> None:
        self._timers: set[asyncio.TimerHandle] = set()
        self._is_over = False

    def after(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Runs it unless what is returned is called first."""
        if self._is_over:
            return nothing

        def run() -> None:
            self._timers.discard(timer)
            action()

        def cancel() -> None:
            self._timers.discard(timer)
            timer.cancel()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)
        return cancel

    def end(self) -> None:
        self._is_over = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def nothing() -> None:
    """Where there is nothing to be cancelled."""
