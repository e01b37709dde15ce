"""JSON from the network and from disk, which may be anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

JsonObject = dict[str, Any]
Item = TypeVar("Item")

_LONGEST_INT = 4_000
"""Python refuses to read a longer integer by default, and it is none that anybody computes with."""


def _number(digits: str) -> float:
    return int(digits) if len(digits) <= _LONGEST_INT else float(digits)


def loads(text: str) -> Any:
    """Raises ValueError, or RecursionError where it is nested too deeply for Python."""
    return json.loads(text, parse_int=_number)


def parse_object(text: str) -> JsonObject | None:
    """The object in a JSON text, or None if it is not an object."""
    try:
        return as_object(loads(text))
    except (ValueError, RecursionError):
        return None


def as_object(value: Any) -> JsonObject | None:
    return value if isinstance(value, dict) else None


def as_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def text_at(data: JsonObject, key: str) -> str | None:
    return as_text(data.get(key))


def number_at(data: JsonObject, key: str) -> int | float | None:
    value = data.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def list_at(data: JsonObject, key: str, read: Callable[[Any], Item | None]) -> list[Item]:
    """The elements of a list that ``read`` can make sense of."""
    value = data.get(key)
    if not isinstance(value, list):
        return []
    return [item for item in map(read, value) if item is not None]
