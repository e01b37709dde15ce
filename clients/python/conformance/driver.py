"""The driver of heliograph-device for the device conformance suite (docs/device-conformance.md).

python3 driver.py [asyncio | callback]
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import platform
import sys
import threading
import time
from typing import Any

import heliograph_device as heliograph
from heliograph_device import Activation, AsyncDevice, Device, HeliographDeviceError, Settings

OPTIONS = {"timeLimitMs": "time_limit", "closeLimitMs": "close_limit", "connectTimeoutMs": "connect_timeout"}
FIELDS = {
    "payload_text": "payloadText",
    "accepted_at": "acceptedAt",
    "push_type": "pushType",
    "collapse_id": "collapseId",
    "unique_id": "uniqueId",
}
writing = threading.Lock()


def write(line: dict[str, Any]) -> None:
    with writing:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class LogLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        write({"event": "log", "line": record.getMessage()})


def settings_of(command: dict[str, Any]) -> Settings:
    changed: dict[str, Any] = {name: command[key] / 1000 for key, name in OPTIONS.items() if key in command}
    if "keepaliveSeconds" in command:
        changed["keepalive"] = command["keepaliveSeconds"]
    if command.get("mayMove") is False:
        changed["may_move_to"] = lambda host, port: False
    offset = command.get("clockOffsetMs", 0) / 1000
    return dataclasses.replace(Settings(), clock=lambda: time.time() + offset, **changed)


def activation_of(command: dict[str, Any]) -> Activation | None:
    given = command.get("activation")
    return None if given is None else Activation(given["url"], given["code"], given.get("ca"))


def listen(device: AsyncDevice | Device) -> None:
    def on_disconnected(event: heliograph.Disconnected) -> None:
        told = {} if event.retry_in is None else {"retryInMs": event.retry_in * 1000}
        write({"event": "disconnected", "cause": event.cause, **told})

    def on_error(error: HeliographDeviceError) -> None:
        about = {} if error.topic is None else {"topic": error.topic}
        about |= {} if error.channel is None else {"channel": error.channel}
        write({"event": "error", "reason": error.reason, "message": str(error), **about})

    def on_rejected(event: heliograph.Rejected) -> None:
        about = {} if event.topic is None else {"topic": event.topic}
        write({"event": "rejected", "token": event.token, "reason": event.reason, **about})

    device.on("connected", lambda event: write({"event": "connected", "deviceId": event.device_id}))
    device.on("disconnected", on_disconnected)
    device.on("token", lambda event: write({"event": "token", "topic": event.topic, "token": event.token}))
    device.on("accepted", lambda event: write({"event": "accepted", "topics": list(event.topics)}))
    device.on("rejected", on_rejected)
    device.on("moved", lambda event: write({"event": "moved", "host": event.host, "port": event.port}))
    device.on("error", on_error)


def handed_over(notification: heliograph.Notification) -> dict[str, Any]:
    fields = dataclasses.asdict(notification)
    return {FIELDS.get(name, name): value for name, value in fields.items() if value is not None}


def handled(notification: heliograph.Notification) -> None:
    write({"event": "handled", "id": notification.id, "topic": notification.topic})


class HandlerFails(Exception):
    pass


class AsyncDriver:
    """Drives the asyncio form."""

    device: AsyncDevice

    def __init__(self) -> None:
        self.handling: dict[str, Any] = {"mode": "take"}
        self.held: list[asyncio.Event] = []

    async def handle(self, notification: heliograph.Notification) -> None:
        write({"event": "notification", "notification": handed_over(notification)})
        handling = self.handling
        if handling["mode"] == "hold":
            go = asyncio.Event()
            self.held.append(go)
            await go.wait()
        elif handling.get("delayMs", 0) > 0:
            await asyncio.sleep(handling["delayMs"] / 1000)
        if handling["mode"] == "fail":
            raise HandlerFails("the handler fails as it was told")
        handled(notification)

    async def run(self, command: dict[str, Any]) -> dict[str, Any]:
        match command["do"]:
            case "open":
                self.device = await AsyncDevice.open(
                    command["directory"],
                    activation=activation_of(command),
                    settings=settings_of(command),
                )
                listen(self.device)
                return {"deviceId": self.device.device_id}
            case "activate":
                return {"deviceId": await self.device.activate()}
            case "connect":
                await self.device.connect()
            case "register":
                return {"token": await self.device.register(command["topic"])}
            case "unregister":
                await self.device.unregister(command["topic"])
            case "join":
                await self.device.join(command["channel"])
            case "leave":
                await self.device.leave(command["channel"])
            case "channels":
                return {"channels": self.device.channels()}
            case "tokens":
                return {"tokens": self.device.tokens()}
            case "handler":
                self.handling = command
                self.device.on_notification(self.handle)
            case "release":
                held, self.held = self.held, []
                for go in held:
                    go.set()
            case "close":
                await self.device.close()
        return {}

    async def answer(self, command: dict[str, Any]) -> None:
        try:
            write({"id": command["id"], "ok": await self.run(command)})
        except Exception as error:
            write({"id": command["id"], "error": error_of(error)})

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        tasks = set()

        def begin(command: dict[str, Any]) -> None:
            task = loop.create_task(self.answer(command))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(begin, json.loads(line))
            os._exit(0)

        threading.Thread(target=read, daemon=True).start()
        await asyncio.Event().wait()


class CallbackDriver:
    """Drives the form with threads: each command waits in a thread of its own."""

    device: Device

    def __init__(self) -> None:
        self.handling: dict[str, Any] = {"mode": "take"}
        self.held: list[threading.Event] = []

    def handle(self, notification: heliograph.Notification) -> None:
        write({"event": "notification", "notification": handed_over(notification)})
        handling = self.handling
        if handling["mode"] == "hold":
            go = threading.Event()
            self.held.append(go)
            go.wait()
        elif handling.get("delayMs", 0) > 0:
            time.sleep(handling["delayMs"] / 1000)
        if handling["mode"] == "fail":
            raise HandlerFails("the handler fails as it was told")
        handled(notification)

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        match command["do"]:
            case "open":
                self.device = Device(
                    command["directory"],
                    activation=activation_of(command),
                    settings=settings_of(command),
                )
                listen(self.device)
                return {"deviceId": self.device.device_id}
            case "activate":
                return {"deviceId": self.device.activate()}
            case "connect":
                self.device.connect()
            case "register":
                return {"token": self.device.register(command["topic"])}
            case "unregister":
                self.device.unregister(command["topic"])
            case "join":
                self.device.join(command["channel"])
            case "leave":
                self.device.leave(command["channel"])
            case "channels":
                return {"channels": self.device.channels()}
            case "tokens":
                return {"tokens": self.device.tokens()}
            case "handler":
                self.handling = command
                self.device.on_notification(self.handle)
            case "release":
                held, self.held = self.held, []
                for go in held:
                    go.set()
            case "close":
                self.device.close()
        return {}

    def answer(self, command: dict[str, Any]) -> None:
        try:
            write({"id": command["id"], "ok": self.run(command)})
        except Exception as error:
            write({"id": command["id"], "error": error_of(error)})

    def serve(self) -> None:
        for line in sys.stdin:
            thread = threading.Thread(target=self.answer, args=[json.loads(line)], daemon=True)
            thread.start()
            # what is called first begins first
            thread.join(0.02)
        os._exit(0)


def error_of(error: Exception) -> dict[str, str]:
    reason = error.reason if isinstance(error, HeliographDeviceError) else "DriverFailed"
    return {"reason": reason, "message": str(error)}


def main() -> None:
    form = sys.argv[1] if len(sys.argv) > 1 else "asyncio"
    logger = logging.getLogger("heliograph_device")
    logger.setLevel(logging.INFO)
    logger.addHandler(LogLines())
    logger.propagate = False
    language = f"Python {platform.python_version()}, {form}"
    write(
        {
            "event": "ready",
            "name": "heliograph-device",
            "version": heliograph.__version__,
            "language": language,
        }
    )
    if form == "asyncio":
        asyncio.run(AsyncDriver().serve())
    else:
        CallbackDriver().serve()


if __name__ == "__main__":
    main()
