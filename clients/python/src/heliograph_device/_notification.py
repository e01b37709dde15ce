"""A notification, as it comes and as the handler gets it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ._json import JsonObject, as_object, loads, number_at, text_at
from .errors import BadMessageError, message_of

_BEFORE_PAYLOAD = ',"payload":'
"""Cannot occur inside a JSON string (its quotes would be escaped), so the first one is the key."""


@dataclass(frozen=True)
class Notification:
    """A notification as the handler gets it."""

    id: str
    """The ``apns-id``."""
    topic: str
    """The app's bundle id."""
    payload_text: str
    """The payload byte for byte as the provider sent it."""
    accepted_at: int
    """When the service accepted it; milliseconds since the epoch."""
    stored: bool
    """True when it waited for this device: in its pending slot, or as the latest of its channel."""
    expiration: int
    """UNIX seconds; 0 = one attempt, never stored."""
    priority: int
    """10, 5 or 1 (Apple: apns-priority)."""
    push_type: str
    collapse_id: str | None = None
    unique_id: str | None = None
    """``apns-unique-id``: what an operator finds it by in the service's log."""
    seq: str | None = None
    """The service's order, a ULID; greater as text = newer."""
    pending: str | None = None
    """``perCollapseId``: while the device is away, the newest of each collapse id is kept, and those without
    one; None: the newest of the topic."""
    channel: str | None = None
    """The channel that it was published on; None if it was sent to this device."""

    @cached_property
    def payload(self) -> Any:
        """The payload as the ``json`` module gives it; read when it is first asked for.

        Raises BadMessageError if it is nested too deeply for that module: about a thousand levels, or
        what ``sys.setrecursionlimit`` allows. ``payload_text`` has it all the same.
        """
        try:
            return loads(self.payload_text)
        except (ValueError, RecursionError) as error:
            raise BadMessageError(
                "BadMessage",
                f"the payload of notification {self.id} cannot be read by Python's json module "
                f"({message_of(error)}): use payload_text",
                topic=self.topic,
                channel=self.channel,
            ) from error

    @property
    def origin(self) -> str:
        """What it is one of: a topic, or a channel. No topic has a slash in it."""
        return origin_of(self.topic, self.channel)


def origin_of(topic: str, channel: str | None) -> str:
    return topic if channel is None else f"channel/{channel}"


def parse_notification(message: bytes) -> Notification | None:
    """The notification in a message, or None if it is not a notification."""
    text = message.decode("utf-8", "replace")
    data = _head_of(text)
    return None if data is None else _read(text, data)


def parse_broadcast(message: bytes, channel: str, stored: bool) -> Notification | None:
    """What a channel's topic carries, or None if it is not a notification of this channel.

    It is ``stored`` if the broker had retained it.
    """
    text = message.decode("utf-8", "replace")
    data = _head_of(text)
    if data is None or data.get("channel") != channel:
        return None
    notification = _read(text, data)
    return None if notification is None else replace(notification, channel=channel, stored=stored)


def _read(text: str, data: JsonObject) -> Notification | None:
    id, topic = text_at(data, "id"), text_at(data, "topic")
    accepted_at = number_at(data, "acceptedAt")
    if not id or not topic or accepted_at is None or "payload" not in data:
        return None
    return Notification(
        id,
        topic,
        _payload_text(text) or json.dumps(data["payload"]),
        _whole(accepted_at, 0),
        data.get("stored") is True,
        _whole(number_at(data, "expiration"), 0),
        _whole(number_at(data, "priority"), 10),
        text_at(data, "pushType") or "alert",
        text_at(data, "collapseId"),
        text_at(data, "uniqueId"),
        text_at(data, "seq"),
        "perCollapseId" if data.get("pending") == "perCollapseId" else None,
    )


def _head_of(text: str) -> JsonObject | None:
    """The message without its payload, where Python cannot read one that is nested so deeply."""
    try:
        return as_object(loads(text))
    except ValueError:
        return None
    except RecursionError:
        start = text.find(_BEFORE_PAYLOAD)
    try:
        return None if start < 0 else as_object(loads(text[:start] + ',"payload":null}'))
    except (ValueError, RecursionError):
        return None


def _payload_text(text: str) -> str | None:
    """``payload`` is the last key of the message: its text runs to the last closing brace."""
    start = text.find(_BEFORE_PAYLOAD)
    return None if start < 0 else text[start + len(_BEFORE_PAYLOAD) : text.rfind("}")]


def _whole(number: int | float | None, default: int) -> int:
    try:
        return default if number is None else int(number)
    except (OverflowError, ValueError):
        return default


def is_older(seq: str | None, accepted_at: float, than_seq: str | None, than_accepted_at: float) -> bool:
    """True when one was accepted before another; not known to be = False."""
    if seq is not None and than_seq is not None:
        return seq < than_seq
    return accepted_at < than_accepted_at
