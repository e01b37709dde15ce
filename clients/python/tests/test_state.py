"""State and messages that are not as they should be."""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import threading
import unittest
from pathlib import Path
from unittest import mock

from support import CA, DEVICE, DeviceTest, server_context, until

from heliograph_device import (
    Activation,
    ActivationError,
    AsyncDevice,
    BadMessageError,
    ChannelError,
    Device,
    HeliographDeviceError,
    Settings,
    StateError,
)
from heliograph_device._notification import parse_notification

A, B = "A" * 24, "B" * 24
KNOWN_VERSION, ODD_VERSION = bytes.fromhex("a003020102"), bytes.fromhex("a003020107")


def of_an_odd_version(certificate: str) -> str:
    der = base64.b64decode("".join(certificate.splitlines()[1:-1]))
    text = base64.encodebytes(der.replace(KNOWN_VERSION, ODD_VERSION)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


class SubackWithAFullDisk(DeviceTest):
    def test_all_codes_count(self) -> None:
        broker = self.broker()
        broker.suback = b"\x80\1"  # A refused, B granted

        async def run() -> None:
            settings = Settings(close_limit=0.2)
            async with await AsyncDevice.open(self.activated(broker.port), settings=settings) as device:
                errors: list[HeliographDeviceError] = []
                device.on("error", errors.append)
                joining = [asyncio.ensure_future(device.join(channel)) for channel in (A, B)]
                await asyncio.to_thread(until, lambda: device.channels() == (A, B), "both wishes on disk")
                full = StateError("StateUnusable", "no space left on device")
                with mock.patch.object(device._stores.channels, "_write", side_effect=full):
                    await device.connect()
                    refused, granted = await asyncio.wait_for(
                        asyncio.gather(*joining, return_exceptions=True), 5
                    )
                    await asyncio.sleep(0)
                self.assertIsInstance(refused, ChannelError)
                self.assertIsNone(granted)
                self.assertEqual(errors, [full])

        asyncio.run(run())


class Certificates(DeviceTest):
    def test_a_ca_with_comments_in_any_language(self) -> None:
        broker = self.broker()
        with Device(self.activated(broker.port, "# Főtanúsítvány\n" + CA.certificate)) as device:
            device.connect()
            self.assertTrue(device.is_connected)

    def test_a_ca_that_is_none(self) -> None:
        with Device(self.folder, activation=Activation("https://127.0.0.1:1/", "code", "é")) as device:
            with self.assertRaises(ActivationError) as raised:
                device.activate()
            self.assertEqual(raised.exception.reason, "ActivationUnreachable")

    def test_one_that_cannot_be_read_is_damage(self) -> None:
        path = Path(self.activated(1), "identity.json")
        identity = json.loads(path.read_text())
        identity["activated"]["certificate"] = of_an_odd_version(DEVICE.certificate)
        path.write_text(json.dumps(identity))
        with self.assertRaises(StateError) as raised:
            Device(self.folder)
        self.assertEqual(raised.exception.reason, "StateDamaged")


class Answer(http.server.BaseHTTPRequestHandler):
    """Refuses an activation."""

    def do_POST(self) -> None:
        body = json.dumps({"reason": "UsedActivationCode", "detail": "it was used"}).encode()
        self.send_response(409)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class RefusedActivation(DeviceTest):
    def test_carries_the_status(self) -> None:
        server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        self.addCleanup(server.server_close)
        server.socket = server_context().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}/"
        device = Device(self.folder, activation=Activation(url, "code", CA.certificate))
        self.addCleanup(device.close)
        with self.assertRaises(ActivationError) as raised:
            device.activate()
        self.assertEqual((raised.exception.reason, raised.exception.status), ("UsedActivationCode", 409))


class DeepPayload(unittest.TestCase):
    def test_is_handed_over_and_read_as_text(self) -> None:
        deep = "[" * 2000 + "]" * 2000
        head = '{"id":"1","topic":"com.example.app","acceptedAt":1,"payload":'
        notification = parse_notification(f"{head}{deep}}}".encode())
        assert notification is not None
        self.assertEqual(notification.payload_text, deep)
        with self.assertRaises(BadMessageError):
            notification.payload  # noqa: B018


if __name__ == "__main__":
    unittest.main()
