"""The program's own code: what it raises ends nothing of the device."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .errors import message_of

Result = TypeVar("Result")


async def outcome_of(call: Callable[[], Awaitable[None] | None]) -> BaseException | None:
    """Runs a handler or a listener to its end, and returns what it raised: ``sys.exit()`` and a
    CancelledError, too, as either would end more than the call.

    Only Ctrl-C goes through. A cancellation from outside is not the program's, and is raised.
    """
    running = asyncio.ensure_future(_caught(call))
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        running.cancel()
        raise
    return asyncio.CancelledError() if running.cancelled() else running.result()


async def _caught(call: Callable[[], Awaitable[None] | None]) -> BaseException | None:
    try:
        answer = call()
        if inspect.isawaitable(answer):
            await answer
    except KeyboardInterrupt:
        raise
    except BaseException as thrown:
        return thrown
    return None


def in_thread(work: Callable[[], Result], name: str) -> asyncio.Future[Result]:
    """Runs it in a thread that keeps no process alive."""
    done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    start_thread(lambda: settle_with(done, work), name)
    return done


def settle_with(done: asyncio.Future[Result], work: Callable[[], Result]) -> None:
    """Runs it in this thread, and tells the loop of ``done`` how it ended, if that still runs."""
    try:
        result = work()
    except BaseException as thrown:
        _tell(done, done.set_exception, _bearable(thrown))
    else:
        _tell(done, done.set_result, result)


def _bearable(thrown: BaseException) -> Exception:
    """What a future can carry, and what does not end the loop of the task that waits for it."""
    if isinstance(thrown, Exception) and not isinstance(thrown, StopIteration):
        return thrown
    error = RuntimeError(message_of(thrown))
    error.__cause__ = thrown
    return error


def _tell(done: asyncio.Future[Any], settle: Callable[[Any], None], outcome: Any) -> None:
    def settle_once() -> None:
        if not done.done():
            settle(outcome)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to hear
        done.get_loop().call_soon_threadsafe(settle_once)


def start_thread(target: Callable[[], None], name: str) -> None:
    threading.Thread(target=target, name=name, daemon=True).start()


class Log:
    """The program's logger, whose handlers and filters may raise."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def info(self, text: str, *args: object) -> None:
        self._write(logging.INFO, text, *args)

    def warning(self, text: str, *args: object) -> None:
        self._write(logging.WARNING, text, *args)

    def _write(self, level: int, text: str, *args: object) -> None:
        with contextlib.suppress(Exception, asyncio.CancelledError, SystemExit):
            self._logger.log(level, text, *args)
