"""How long to wait before the next attempt."""

from __future__ import annotations

from collections.abc import Callable

FIRST_CEILING_S = 1.0
LAST_CEILING_S = 120.0

STABLE_AFTER_S = 60.0
"""A connection that has lived this long has earned a quick retry after its end."""

Random = Callable[[], float]
"""From 0 up to 1, for the jitter of retries."""


def retry_delay(failures: int, random: Random) -> float:
    """Seconds to wait after the ``failures``-th failure in a row (0 = the first).

    Anything from nothing to a ceiling that doubles each time. The full range spreads a fleet that lost
    its broker at one moment (AWS Architecture Blog, "Exponential Backoff And Jitter": full jitter).
    """
    ceiling = FIRST_CEILING_S * 2.0 ** min(failures, 20)
    return random() * min(ceiling, LAST_CEILING_S)
