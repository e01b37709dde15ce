"""A kiosk: activates once, registers for a topic, and shows what it is sent until Ctrl-C.

python kiosk.py [topic] [state directory] [local.json of `npm start` or `heliograph serve --dev`]
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from pathlib import Path

from heliograph_device import (
    Activation,
    Device,
    Disconnected,
    HeliographDeviceError,
    Notification,
    TokenChanged,
)

DEFAULTS = ["com.example.app", ".heliograph/kiosk", ".heliograph/local.json"]


def show(notification: Notification) -> None:
    # Put it where it is safe before this returns: then it is acknowledged, and will not come again.
    waited = " (waited for us)" if notification.stored else ""
    print(f"{notification.topic} {notification.id}{waited}: {notification.payload_text}", flush=True)


def on_disconnected(event: Disconnected) -> None:
    if event.retry_in is not None:
        print(f"{event.cause}; trying again in {event.retry_in:.1f} s", file=sys.stderr)


def on_token(event: TokenChanged) -> None:
    print(f"send to {event.topic} with the token {event.token}", flush=True)


def on_error(error: HeliographDeviceError) -> None:
    print(error, file=sys.stderr)


def main() -> None:
    given = sys.argv[1:]
    topic, directory, local = given + DEFAULTS[len(given) :]
    activation = json.loads(Path(local).read_text())["activation"]
    ca = Path(activation["ca"]).read_text()

    # both end the program wherever it waits, also before its first connection
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        run(topic, directory, Activation(activation["url"], activation["code"], ca))


def run(topic: str, directory: str, activation: Activation) -> None:
    with Device(directory, activation=activation) as device:
        device.on_notification(show)
        device.on("disconnected", on_disconnected)
        device.on("token", on_token)
        device.on("error", on_error)
        device.connect()
        print(f"device {device.device_id} is connected", flush=True)
        print(f"registered: {device.register(topic)}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
