"""What the tests need around a device: certificates, state directories, and servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import struct
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)


class Pair:
    """A key and its certificate, both PEM; without an issuer, that of a CA."""

    def __init__(self, name: str, issuer: Pair | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        signer = issuer or self
        certificate = (
            x509.CertificateBuilder(signer.name, self.name, self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=300))
            .add_extension(x509.BasicConstraints(issuer is None, None), True)
            .add_extension(local, False)
            .sign(signer.key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.private_key = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


CA = Pair("test CA")
SERVER = Pair("127.0.0.1", CA)
DEVICE = Pair("dev-1", CA)


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(SERVER.private_key + SERVER.certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def until(is_so: Callable[[], object], what: str, limit: float = 5.0) -> None:
    deadline = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit:g} s: {what}")
        time.sleep(0.01)


def threads(*names: str) -> list[str]:
    """The threads of these names that run."""
    return [thread.name for thread in threading.enumerate() if thread.name in names]


class DeviceTest(unittest.TestCase):
    """With a folder of its own and with sockets that end with the test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def activated(self, port: int, ca: str = CA.certificate) -> str:
        """The directory of a device whose broker is at this port."""
        identity = {
            "version": 1,
            "activated": {
                "deviceId": "dev-1",
                "certificate": DEVICE.certificate,
                "privateKey": DEVICE.private_key,
                "mqtt": {"host": "127.0.0.1", "port": port, "ca": ca},
                "publish": {name: f"d/{name}" for name in ("register", "connect", "unregister")},
            },
        }
        Path(self.folder, "identity.json").write_text(json.dumps(identity), "utf-8")
        return self.folder

    def listener(self) -> socket.socket:
        """Takes connections and says nothing."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return listener

    def broker(self) -> Broker:
        broker = Broker()
        self.addCleanup(broker.close)
        return broker


class Broker:
    """Just enough of MQTT 3.1.1 to serve a device, in a thread of its own."""

    def __init__(self) -> None:
        self.received: list[str] = []
        """The kinds of packets."""
        self.acknowledged: list[int] = []
        self.suback = b"\1"
        """The codes for the filters of a SUBSCRIBE, in their order."""
        self._packet_id = 0
        self._writer: asyncio.StreamWriter | None = None
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        self._is_ready.wait()

    def notify(self, id: str, topic: str = "com.example.app", payload: str = "{}") -> int:
        """Sends a notification; returns the id of its packet."""
        head = {"id": id, "topic": topic, "acceptedAt": 1, "seq": id, "stored": False}
        message = json.dumps(head)[:-1] + f',"payload":{payload}}}'
        self._packet_id += 1
        body = _text("heliograph/notification") + struct.pack(">H", self._packet_id) + message.encode()
        self._loop.call_soon_threadsafe(self._send, 0x32, body)
        return self._packet_id

    def cut(self) -> None:
        """Ends the connection."""
        assert self._writer is not None
        self._loop.call_soon_threadsafe(self._writer.transport.abort)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_over = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=server_context())
        self.port: int = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        await self._is_over.wait()
        server.close()
        if self._writer is not None:
            self._writer.transport.abort()
            await asyncio.sleep(0.01)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        with contextlib.suppress(EOFError, OSError):
            while True:
                kind = (await reader.readexactly(1))[0] >> 4
                self._on_packet(kind, await reader.readexactly(await _length(reader)))
        writer.close()

    def _on_packet(self, kind: int, body: bytes) -> None:
        names = {1: "CONNECT", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 12: "PINGREQ", 14: "DISCONNECT"}
        self.received.append(names.get(kind, str(kind)))
        if kind == 1:
            self._send(0x20, b"\0\0")
        elif kind == 3:
            self._on_publish(body)
        elif kind == 4:
            self.acknowledged.append(int.from_bytes(body, "big"))
        elif kind == 8:
            self._send(0x90, body[:2] + self.suback)

    def _on_publish(self, body: bytes) -> None:
        length = int.from_bytes(body[:2], "big")
        topic, packet_id, message = body[2 : 2 + length], body[2 + length : 4 + length], body[4 + length :]
        self._send(0x40, packet_id)
        if topic == b"d/register":
            answer = {"topic": json.loads(message)["topic"], "token": "t" * 64}
            self._send(0x30, _text("heliograph/token") + json.dumps(answer).encode())

    def _send(self, head: int, body: bytes) -> None:
        assert self._writer is not None and len(body) < 128 * 128
        length = [len(body)] if len(body) < 128 else [len(body) % 128 | 128, len(body) // 128]
        self._writer.write(bytes([head, *length]) + body)


async def _length(reader: asyncio.StreamReader) -> int:
    length = shift = 0
    while (byte := (await reader.readexactly(1))[0]) >= 128:
        length |= (byte & 127) << shift
        shift += 7
    return length | byte << shift


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()
