"""Who the device is: one file, so that a key and its certificate change together."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._certificate import Credentials, belong_together, is_certificate
from ._files import Disk, Serial, read_state, write_atomically
from ._json import JsonObject, as_object, number_at, text_at

_FILE = "identity.json"
_VERSION = 1
_REMEDY = "move it away and activate the device again with a new activation code (it becomes a new device)"


@dataclass(frozen=True)
class Broker:
    """Where the broker is and what its certificate is checked against (``ca``, PEM)."""

    host: str
    port: int
    ca: str


@dataclass(frozen=True)
class Activated(Credentials):
    """The device as the service knows it."""

    device_id: str
    mqtt: Broker
    publish: dict[str, str]
    """The MQTT topics this device publishes to. A service without renewal names no topic for it."""


@dataclass(frozen=True)
class NextCredentials:
    """A key on its way to a certificate: asked for, and perhaps answered but not yet connected with."""

    private_key: str = field(repr=False)
    certificate: str | None = None


@dataclass(frozen=True)
class Identity:
    fresh_key: str | None = field(default=None, repr=False)
    """The key of an activation whose answer has not been seen."""
    activated: Activated | None = None
    next: NextCredentials | None = None
    """The key and certificate that are to replace those of ``activated``."""
    move: Broker | None = None
    """Where the service goes on; it replaces ``activated.mqtt`` once it has answered there."""


class IdentityStore:
    """The identity on disk. Every change is durable before it is seen."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / _FILE
        self._disk = disk
        self._writes = Serial()
        self.current = read_state(self._path, _parse, _REMEDY) or Identity()

    async def idle(self) -> None:
        """Returns when no change is being written."""
        await self._writes.idle()

    async def change(self, edit: Callable[[Identity], Identity]) -> None:
        async def write() -> None:
            edited = edit(self.current)
            await self._disk.run(write_atomically, self._path, _serialize(edited))
            self.current = edited

        await self._writes.run(write)


def parse_answer(data: JsonObject, private_key: str) -> Activated | None:
    """The answer to an activation with the key it is for, or None if it is not one."""
    device_id = text_at(data, "deviceId")
    certificate = text_at(data, "certificate")
    mqtt = parse_broker(as_object(data.get("mqtt")) or {})
    publish = _parse_publish(as_object(data.get("publish")) or {})
    if not device_id or not certificate or mqtt is None or publish is None:
        return None
    return Activated(private_key, certificate, device_id, mqtt, publish)


def parse_broker(data: JsonObject) -> Broker | None:
    host, port, ca = text_at(data, "host"), number_at(data, "port"), text_at(data, "ca")
    if not host or not isinstance(port, int) or not 0 < port < 65_536 or not ca:
        return None
    return Broker(host, port, ca) if is_certificate(ca) else None


def _parse_publish(data: JsonObject) -> dict[str, str] | None:
    topics = {name: text_at(data, name) for name in ("register", "connect", "unregister")}
    renew = text_at(data, "renew")
    named = {name: topic for name, topic in topics.items() if topic}
    if len(named) < len(topics):
        return None
    return {**named, "renew": renew} if renew else named


def _parse(data: JsonObject) -> Identity | None:
    activated = _parse_activated(data.get("activated"))
    following = _parse_next(data.get("next"))
    move = parse_broker(as_object(data.get("move")) or {})
    is_broken = (
        data.get("version") != _VERSION
        or (data.get("activated") is not None and activated is None)
        or (data.get("next") is not None and following is None)
        or (data.get("move") is not None and move is None)
    )
    if is_broken:
        return None
    return Identity(text_at(data, "freshKey") or None, activated, following, move)


def _parse_activated(value: Any) -> Activated | None:
    data = as_object(value) or {}
    private_key = text_at(data, "privateKey")
    activated = parse_answer(data, private_key) if private_key else None
    return activated if activated and belong_together(activated) else None


def _parse_next(value: Any) -> NextCredentials | None:
    data = as_object(value) or {}
    private_key = text_at(data, "privateKey")
    return NextCredentials(private_key, text_at(data, "certificate") or None) if private_key else None


def _serialize(identity: Identity) -> str:
    """The same file as that of the SDK for Node.js."""
    data: JsonObject = {"version": _VERSION}
    if identity.fresh_key:
        data["freshKey"] = identity.fresh_key
    if (known := identity.activated) is not None:
        data["activated"] = {
            "deviceId": known.device_id,
            "certificate": known.certificate,
            "mqtt": dataclasses.asdict(known.mqtt),
            "publish": known.publish,
            "privateKey": known.private_key,
        }
    if (following := identity.next) is not None:
        data["next"] = {"privateKey": following.private_key}
        if following.certificate is not None:
            data["next"]["certificate"] = following.certificate
    if identity.move is not None:
        data["move"] = dataclasses.asdict(identity.move)
    return json.dumps(data) + "\n"
