"""State files: whole after a crash, and readable by their owner alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from ._json import JsonObject, parse_object
from .errors import StateError, message_of

State = TypeVar("State")
Result = TypeVar("Result")
Params = ParamSpec("Params")

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700


class Disk:
    """Where files are written: beside the event loop, one write after the other."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "heliograph-disk")

    async def run(
        self, work: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
    ) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))


class Serial:
    """Runs tasks one after the other, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, task: Callable[[], Awaitable[Result]]) -> Result:
        async with self._lock:
            return await task()

    async def idle(self) -> None:
        """Returns when all tasks given so far have ended."""
        async with self._lock:
            pass


def make_directory(directory: Path) -> None:
    """Makes the state directory if it is missing; an existing one keeps its mode."""
    try:
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(directory, "made", error) from error


def read_text(path: Path) -> str | None:
    """The text of a state file, or None if it is missing."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, "read", error) from error


def read_state(path: Path, parse: Callable[[JsonObject], State | None], remedy: str) -> State | None:
    """A JSON state file as ``parse`` understands it, or None if it is missing.

    ``remedy`` ends the sentence of the error for a damaged one.
    """
    text = read_text(path)
    if text is None:
        return None
    data = parse_object(text)
    state = None if data is None else parse(data)
    if state is None:
        raise StateError("StateDamaged", f"{path.resolve()} is damaged: {remedy}")
    return state


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file so that after a crash or a power cut it holds either the old or the new text.

    Two writes to one path must not overlap.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.unlink(missing_ok=True)
        # O_EXCL: a file or link that somebody put there meanwhile is not followed.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
        _sync_directory(path.parent)
    except OSError as error:
        raise unusable(path, "written", error) from error


def append(path: Path, text: str) -> None:
    """Adds to a file that belongs to its owner alone; a failure leaves no part of it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE_MODE)
        try:
            _write_whole(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(path, "written", error) from error


def _write_whole(descriptor: int, data: bytes) -> None:
    before = os.fstat(descriptor).st_size
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _sync_directory(directory: Path) -> None:
    """The rename itself lasts only once the directory is on disk; Windows cannot open a directory."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(path: Path, what: str, error: BaseException) -> StateError:
    return StateError(
        "StateUnusable",
        f"{path.resolve()} cannot be {what} ({message_of(error)}): "
        "give the device a directory that this user may write to",
    )
