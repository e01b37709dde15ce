"""The memory of what the handler has taken over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ._files import Disk, Serial, append, read_text, write_atomically
from ._json import number_at, parse_object, text_at
from ._notification import Notification, is_older, origin_of

REMEMBERED_IDS = 1_000
REMEMBERED_MS = 24 * 3600 * 1000
"""A repeat comes within the service's own retries, so the last few and the last day are enough.

The day is told by ``accepted_at``: the device's clock may jump by years between a notification and its
repeat.
"""

_REMEMBERED_CHANNELS = 100
"""More than a device can have joined at a time, as programs join one for each game."""

Verdict = Literal["new", "repeat", "outdated"]
"""``new``: give it to the handler. The others are acknowledged and dropped."""

_FILE = "taken.jsonl"


@dataclass(frozen=True)
class Taken:
    """What is remembered of a notification."""

    id: str
    topic: str
    accepted_at: float
    seq: str | None
    stored: bool
    channel: str | None = None
    pending: str | None = None
    collapse_id: str | None = None

    @classmethod
    def of(cls, notification: Notification) -> Taken:
        return cls(
            notification.id,
            notification.topic,
            notification.accepted_at,
            notification.seq,
            notification.stored,
            notification.channel,
            notification.pending,
            notification.collapse_id if notification.pending else None,
        )

    @property
    def origin(self) -> str:
        return origin_of(self.topic, self.channel)

    @property
    def lane(self) -> str | None:
        """What a newer one can overtake: all of its topic, channel or collapse id; None: nothing."""
        if self.channel is not None or self.pending is None:
            return self.origin
        return None if self.collapse_id is None else f"{self.topic} {self.collapse_id}"

    @property
    def key(self) -> tuple[str, str]:
        return (self.origin, self.id)

    def is_older(self, other: Taken) -> bool:
        return is_older(self.seq, self.accepted_at, other.seq, other.accepted_at)

    def is_overtaken_by(self, newest: Taken) -> bool:
        """The latest of a channel comes at every subscription, also when its id is no longer among the
        last."""
        is_same = self.stored and self.seq is not None and self.seq == newest.seq
        return is_same or self.is_older(newest)


class TakenIndex:
    """The ids of the last notifications, and the newest of each topic and of the last channels.

    Of a topic that keeps more than its newest, the newest of each collapse id among the last notifications.

    A stored one is outdated by anything newer, which overtook it. A direct one is outdated only by a
    newer stored one, which has replaced all before it: it may be the retry of one that was coalesced.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], Taken] = {}
        self._newest: dict[str, Taken] = {}
        self._newest_stored: dict[str, Taken] = {}

    def verdict(self, asked: Taken) -> Verdict:
        before = self._ids.get(asked.key)
        if before is not None and asked.accepted_at - before.accepted_at < REMEMBERED_MS:
            return "repeat"
        lane = asked.lane
        if lane is None:
            return "new"
        newest = (self._newest if asked.stored else self._newest_stored).get(lane)
        return "outdated" if newest is not None and asked.is_overtaken_by(newest) else "new"

    def add(self, taken: Taken) -> None:
        self._forget(taken.key)
        self._ids[taken.key] = taken
        if len(self._ids) > REMEMBERED_IDS:
            self._forget(next(iter(self._ids)))
        _keep_newest(self._newest, taken)
        if taken.stored:
            _keep_newest(self._newest_stored, taken)

    def _forget(self, key: tuple[str, str]) -> None:
        """Topics are few and stay; collapse ids may be any number, so none outlives its notification."""
        taken = self._ids.pop(key, None)
        if taken is None or taken.pending is None or taken.lane is None:
            return
        for newest in (self._newest, self._newest_stored):
            if newest.get(taken.lane) is taken:
                del newest[taken.lane]

    def entries(self) -> list[Taken]:
        """All that a restart must know, in an order that ``add`` can repeat: it forgets the first first."""
        recent = list(self._ids.values())
        newest = dict.fromkeys([*self._newest.values(), *self._newest_stored.values()])
        known = set(recent)
        return [taken for taken in newest if taken not in known] + recent


def _keep_newest(newest: dict[str, Taken], taken: Taken) -> None:
    lane = taken.lane
    if lane is None:
        return
    known = newest.pop(lane, None)
    newest[lane] = taken if known is None or known.is_older(taken) else known
    channels = [lane for lane, one in newest.items() if one.channel is not None]
    if len(channels) > _REMEMBERED_CHANNELS:
        del newest[channels[0]]


class TakenStore:
    """The index with its journal on disk: a line per notification, written before the acknowledgement.

    A killed process repeats nothing. The line is not forced to the disk, so after a power cut the last
    few may come again; that costs a repeat, where forcing would cost a write cycle of flash each.
    """

    def __init__(self, directory: Path, disk: Disk) -> None:
        """Lines that a power cut left damaged are skipped: all they can cost is a repeat."""
        self._path = directory / _FILE
        self._disk = disk
        self._writes = Serial()
        self._index = TakenIndex()
        self._lines = 0
        text = read_text(self._path)
        for line in (text or "").split("\n"):
            if (taken := _parse(line)) is not None:
                self._index.add(taken)
        if text is not None:
            # Always: a last line without its end would swallow the next one that is appended.
            self._write(self._index.entries())

    def verdict(self, notification: Notification) -> Verdict:
        return self._index.verdict(Taken.of(notification))

    async def record(self, notification: Notification) -> None:
        """Returns when the notification is remembered; after that it may be acknowledged."""
        taken = Taken.of(notification)

        async def write() -> None:
            await self._disk.run(append, self._path, _line(taken))
            self._lines += 1
            self._index.add(taken)
            if self._lines >= 2 * REMEMBERED_IDS:
                await self._disk.run(self._write, self._index.entries())

        await self._writes.run(write)

    async def idle(self) -> None:
        await self._writes.idle()

    def _write(self, entries: list[Taken]) -> None:
        write_atomically(self._path, "".join(map(_line, entries)))
        self._lines = len(entries)


def _line(taken: Taken) -> str:
    data = {"id": taken.id, "topic": taken.topic, "acceptedAt": taken.accepted_at}
    if taken.seq is not None:
        data["seq"] = taken.seq
    if taken.stored:
        data["stored"] = True
    if taken.channel is not None:
        data["channel"] = taken.channel
    if taken.pending is not None:
        data["pending"] = taken.pending
    if taken.collapse_id is not None:
        data["collapseId"] = taken.collapse_id
    return json.dumps(data) + "\n"


def _parse(line: str) -> Taken | None:
    data = parse_object(line)
    if data is None:
        return None
    id, topic = text_at(data, "id"), text_at(data, "topic")
    accepted_at = number_at(data, "acceptedAt")
    if not id or not topic or accepted_at is None:
        return None
    stored = data.get("stored") is True
    channel, pending = text_at(data, "channel"), text_at(data, "pending")
    collapse_id = text_at(data, "collapseId")
    return Taken(id, topic, accepted_at, text_at(data, "seq"), stored, channel, pending, collapse_id)
