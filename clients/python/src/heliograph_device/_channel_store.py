"""The channels to be joined, on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ._files import Disk, Serial, read_state, write_atomically
from ._json import JsonObject

MOST_CHANNELS = 50
"""Subscriptions of one connection (AWS IoT Core quotas)."""

_FILE = "channels.json"
_VERSION = 1
_REMEDY = "delete it and join every channel again"
_CHANNEL_ID = re.compile("[A-Za-z0-9]{24}")


def is_channel_id(value: Any) -> bool:
    return isinstance(value, str) and _CHANNEL_ID.fullmatch(value) is not None


class ChannelStore:
    """Every change is durable before it is seen."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / _FILE
        self._disk = disk
        self._writes = Serial()
        self.channels: tuple[str, ...] = read_state(self._path, _parse, _REMEDY) or ()

    async def idle(self) -> None:
        await self._writes.idle()

    async def add(self, channel: str) -> bool:
        """False where there is no room for another one."""

        async def write() -> bool:
            if channel in self.channels:
                return True
            if len(self.channels) >= MOST_CHANNELS:
                return False
            await self._write((*self.channels, channel))
            return True

        return await self._writes.run(write)

    async def remove(self, channel: str) -> None:
        async def write() -> None:
            if channel in self.channels:
                await self._write(tuple(other for other in self.channels if other != channel))

        await self._writes.run(write)

    async def _write(self, channels: tuple[str, ...]) -> None:
        text = json.dumps({"version": _VERSION, "channels": channels}, indent=2) + "\n"
        await self._disk.run(write_atomically, self._path, text)
        self.channels = channels


def _parse(data: JsonObject) -> tuple[str, ...] | None:
    channels = data.get("channels")
    if data.get("version") != _VERSION or not isinstance(channels, list):
        return None
    return tuple(dict.fromkeys(channels)) if all(map(is_channel_id, channels)) else None
