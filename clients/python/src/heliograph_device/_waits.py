"""What a call waits for."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def await_as(
    waits: dict[str, asyncio.Future[Answer]], name: str, limit: float, late: Exception
) -> asyncio.Future[Answer]:
    """A wait under a name, which is there until it ends: by an answer, or with ``late`` after ``limit``."""
    loop = asyncio.get_running_loop()
    wait: asyncio.Future[Answer] = loop.create_future()
    timer = loop.call_later(limit, reject, wait, late)

    def ended(done: asyncio.Future[Answer]) -> None:
        timer.cancel()
        if waits.get(name) is done:
            del waits[name]
        if not done.cancelled():
            done.exception()  # where nobody waits any longer, that is no fault

    waits[name] = wait
    wait.add_done_callback(ended)
    return wait


def resolve(wait: asyncio.Future[Answer] | None, answer: Answer) -> None:
    if wait is not None and not wait.done():
        wait.set_result(answer)


def reject(wait: asyncio.Future[Any] | None, error: Exception) -> None:
    if wait is not None and not wait.done():
        wait.set_exception(error)
