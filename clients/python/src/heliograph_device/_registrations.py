"""The topics on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from ._files import Disk, Serial, read_state, write_atomically
from ._json import JsonObject, as_object, text_at

_FILE = "registrations.json"
_VERSION = 1
_REMEDY = "delete it and register every topic again (the tokens stay the same)"


@dataclass(frozen=True, eq=False)
class RegisteredTopic:
    """A topic this device has to do with; two wishes are the same only if they are one object.

    ``wanted`` without a token: asked for, not yet answered. ``leaving``: unregistered by the program, and
    the service does not know yet.
    """

    state: Literal["wanted", "leaving"]
    token: str | None = field(default=None, repr=False)


Edit = Callable[[RegisteredTopic | None], RegisteredTopic | None]
"""What is to hold for a topic: None removes it, the same object changes nothing."""


class RegistrationStore:
    """Every change is durable before it is seen."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / _FILE
        self._disk = disk
        self._writes = Serial()
        self.topics: Mapping[str, RegisteredTopic] = read_state(self._path, _parse, _REMEDY) or {}

    async def idle(self) -> None:
        await self._writes.idle()

    async def change(self, topic: str, edit: Edit) -> None:
        async def write() -> None:
            before = self.topics.get(topic)
            after = edit(before)
            if after is before:
                return
            topics = {**self.topics}
            if after is None:
                del topics[topic]
            else:
                topics[topic] = after
            await self._disk.run(write_atomically, self._path, _serialize(topics))
            self.topics = topics

        await self._writes.run(write)


def _serialize(topics: Mapping[str, RegisteredTopic]) -> str:
    entries = {
        topic: {"state": known.state} | ({} if known.token is None else {"token": known.token})
        for topic, known in topics.items()
    }
    return json.dumps({"version": _VERSION, "topics": entries}, indent=2) + "\n"


def _parse(data: JsonObject) -> Mapping[str, RegisteredTopic] | None:
    topics = as_object(data.get("topics"))
    if data.get("version") != _VERSION or topics is None:
        return None
    parsed = {topic: _parse_topic(value) for topic, value in topics.items()}
    whole = {topic: known for topic, known in parsed.items() if known is not None}
    return whole if len(whole) == len(parsed) else None


def _parse_topic(value: Any) -> RegisteredTopic | None:
    data = as_object(value)
    state = None if data is None else text_at(data, "state")
    if data is None or state not in ("wanted", "leaving"):
        return None
    return RegisteredTopic(cast("Literal['wanted', 'leaving']", state), text_at(data, "token") or None)
