"""One MQTT connection, from dial to end; it never reconnects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import selectors
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ._certificate import Credentials, tls_context
from ._identity import Broker
from ._line import Line
from ._program import start_thread
from .errors import NotConnectedError, message_of

_END_LIMIT_S = 2.0
"""How long a clean end may take before the socket is cut."""

_NO_CAUSE = "the connection was closed"
_ENDED = "the device closed the connection"


@dataclass(frozen=True)
class LinkOptions:
    broker: Broker
    credentials: Credentials
    device_id: str
    """Also the MQTT client id."""
    keepalive: int
    connect_timeout: float
    receive: Callable[[str, bytes, bool], Awaitable[bool]]
    """Takes a message over, with the packet's RETAIN flag; it is acknowledged when this returns True."""


class Link:
    """The socket is served by a thread of its own, everything else happens in the event loop.

    A PUBACK leaves when ``receive`` says so, and meanwhile the connection goes on. Acknowledgements
    therefore leave in the order of the work, not of arrival as [MQTT-4.6.0-2] has it: a slow app must
    not make the service think that the messages of another app were lost.
    """

    def __init__(self, options: LinkOptions) -> None:
        self._options = options
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        """Done at CONNACK; fails when the connection ended before."""
        self.closed: asyncio.Future[str] = self._loop.create_future()
        """The cause, when the connection is gone, however that came."""
        self.opened.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._is_opened = False
        self._end_at: float | None = None
        self._has_said_goodbye = False
        self._cause = _NO_CAUSE
        self._published: dict[int, asyncio.Future[None]] = {}
        self._subscribed: dict[int, asyncio.Future[list[bool]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._line = Line(options.connect_timeout)
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._client = self._make_client()
        start_thread(self._serve, "heliograph-mqtt")

    async def publish(self, topic: str, message: str) -> None:
        """Returns when the broker has acknowledged the message (QoS 1)."""
        if self.closed.done():
            raise NotConnectedError("NotConnected", self._cause)
        published: asyncio.Future[None] = self._loop.create_future()
        # what on_publish says is heard by the loop, so not before this is on record
        self._published[self._client.publish(topic, message, qos=1).mid] = published
        await published

    async def subscribe(self, filters: Sequence[str]) -> list[bool]:
        """Returns which filters the broker has granted (QoS 1); IoT Core takes at most 8 at a time."""
        _, mid = self._client.subscribe([(one, 1) for one in filters])
        if mid is None or self.closed.done():
            raise NotConnectedError("NotConnected", self._cause)
        granted: asyncio.Future[list[bool]] = self._loop.create_future()
        self._subscribed[mid] = granted
        return await granted

    def unsubscribe(self, topic_filter: str) -> None:
        self._client.unsubscribe(topic_filter)

    async def idle(self) -> None:
        """Returns when every message so far has been taken over, or has failed to be."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def end(self) -> None:
        """Says DISCONNECT and waits until the connection is gone; one that is still being made is given
        up at once."""
        if self._end_at is None:
            self._end_at = time.monotonic() + _END_LIMIT_S
            if self._line.give_up():
                # its thread can be held up by a look-up of the host, and has nothing more to say
                self._note(_ENDED)
                self._on_closed()
            else:
                self._wake()
        await asyncio.wait([self.closed])

    # In the thread of the socket.

    def _make_client(self) -> _Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._options.device_id,
            clean_session=True,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.on_socket_register_write = lambda *_: self._wake()
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = lambda _client, _data, mid, *_: self._call(self._on_published, mid)
        client.on_subscribe = lambda _client, _data, mid, codes, _properties: self._call(
            self._on_subscribed, mid, [not code.is_failure for code in codes]
        )
        client.on_message = lambda _client, _data, message: self._call(self._take, message)
        return client

    def _serve(self) -> None:
        options, client = self._options, self._client
        deadline = time.monotonic() + options.connect_timeout
        try:
            context = tls_context(options.broker.ca, options.credentials)
            client.dial = lambda: self._dial(context)
            # a paho that did not use our socket would still not speak plain text
            client.tls_set_context(context)
            client.connect(options.broker.host, options.broker.port, options.keepalive)
            with selectors.DefaultSelector() as selector:
                while (sock := client.socket()) is not None and not self._is_late(deadline):
                    self._turn(selector, sock)
        except Exception as error:  # whatever a broker makes of paho, it is an end
            self._note(message_of(error))
        finally:
            with contextlib.suppress(Exception):
                sock = client.socket()
                if sock is not None:
                    sock.close()
            self._call(self._on_closed)

    def _dial(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        sock = self._line.open(self._options.broker.host, self._options.broker.port, context)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _is_late(self, deadline: float) -> bool:
        now = time.monotonic()
        if not self._is_opened and now > deadline:
            self._note(f"no CONNACK within {self._options.connect_timeout:g} s")
            return True
        # before CONNACK there is nothing to say goodbye to, and perhaps CONNECT has not left yet
        return self._end_at is not None and (now > self._end_at or not self._is_opened)

    def _turn(self, selector: selectors.BaseSelector, sock: Any) -> None:
        """Waits for something to do, and does it; what TLS holds already is not seen by a selector."""
        if self._end_at is not None and not self._has_said_goodbye:
            self._has_said_goodbye = True
            self._client.disconnect()
        events = selectors.EVENT_READ
        if self._client.want_write():
            events |= selectors.EVENT_WRITE
        selector.register(sock, events)
        selector.register(self._woken, selectors.EVENT_READ)
        try:
            ready = {key.fileobj: mask for key, mask in selector.select(0 if sock.pending() else 0.5)}
        finally:
            selector.unregister(sock)
            selector.unregister(self._woken)
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                while self._woken.recv(4096):
                    pass
        mask = ready.get(sock, 0)
        if mask & selectors.EVENT_READ or sock.pending():
            self._client.loop_read()
        if self._client.want_write() and self._client.socket() is not None:
            self._client.loop_write()
        if self._client.socket() is not None:
            self._client.loop_misc()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._note(f"the broker refused the connection: {reason}")
            return
        self._is_opened = True
        self._call(self._on_opened)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._note(f"the connection was closed: {reason}")

    def _note(self, cause: str) -> None:
        if self._cause == _NO_CAUSE:
            self._cause = _ENDED if self._end_at is not None else cause

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _call(self, action: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to hear
            self._loop.call_soon_threadsafe(action, *args)

    # In the event loop.

    def _on_opened(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _on_published(self, mid: int) -> None:
        published = self._published.pop(mid, None)
        if published is not None and not published.done():
            published.set_result(None)

    def _on_subscribed(self, mid: int, granted: list[bool]) -> None:
        subscribed = self._subscribed.pop(mid, None)
        if subscribed is not None and not subscribed.done():
            subscribed.set_result(granted)

    def _on_closed(self) -> None:
        """Once by ``end``, perhaps, and once by the thread."""
        if self.closed.done():
            return
        self._woken.close()
        self._waker.close()
        error = NotConnectedError("NotConnected", self._cause)
        waits: list[asyncio.Future[Any]] = [*self._published.values(), *self._subscribed.values()]
        for wait in waits:
            if not wait.done():
                wait.set_exception(error)
                wait.exception()
        self._published.clear()
        self._subscribed.clear()
        if not self.opened.done():
            self.opened.set_exception(error)
        self.closed.set_result(self._cause)

    def _take(self, message: paho.MQTTMessage) -> None:
        if self._end_at is not None:
            return
        task = self._loop.create_task(self._receive(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _receive(self, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        try:
            is_taken = await self._options.receive(topic, bytes(message.payload), message.retain)
        except Exception:  # a failure to take it over is the receiver's to report
            logging.getLogger(__name__).exception("a message could not be taken over")
            return
        # A message id means nothing once its connection has ended.
        if is_taken and message.qos > 0 and self._end_at is None and not self.closed.done():
            self._client.ack(message.mid, message.qos)


class _Client(paho.Client):
    """Dials by a way that can be given up and that keeps its time limit: paho's own does neither."""

    dial: Callable[[], ssl.SSLSocket]

    def _create_socket(self) -> ssl.SSLSocket:
        return self.dial()
