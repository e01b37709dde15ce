"""What is left of a device that is closed: nothing, whatever it was doing."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
import time
import unittest
from collections.abc import Callable
from unittest import mock

from support import CA, DeviceTest, threads, until

from heliograph_device import Activation, AsyncDevice, ClosedError, Device, Notification, Settings

AT_ONCE_S = 1.5
"""Below the two seconds that a clean end may take."""


class Waiting:
    """A call in a thread of its own, and how it ended."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.outcome: object = "still waiting"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self._call()
        except BaseException as thrown:
            self.outcome = thrown

    def end(self, limit: float = 3.0) -> object:
        self.thread.join(limit)
        return self.outcome


class CallsAfterClose(DeviceTest):
    def test_raise_closed_at_once_and_later(self) -> None:
        broker = self.broker()
        device = Device(self.activated(broker.port))
        device.connect()
        device.close()
        calls = {
            "activate": device.activate,
            "connect": device.connect,
            "register": lambda: device.register("com.example.app"),
            "unregister": lambda: device.unregister("com.example.app"),
            "join": lambda: device.join("A" * 24),
            "leave": lambda: device.leave("A" * 24),
            "on_notification": lambda: device.on_notification(print),
        }
        for _ in range(2):
            for name, call in calls.items():
                self.assertIsInstance(Waiting(call).end(), ClosedError, name)
            until(lambda: not threads("heliograph", "heliograph-events"), "the end of the device's threads")
        device.close()

    def test_raise_closed_in_the_moment_of_the_end(self) -> None:
        device = Device(self.activated(1))
        device._run(device._device.close())
        loop = device._loop
        loop.call_soon_threadsafe(time.sleep, 0.2)
        loop.call_soon_threadsafe(loop.stop)
        self.assertIsInstance(Waiting(lambda: device.leave("A" * 24)).end(), ClosedError)
        device._heard.put(None)


class CloseWhileDialing(DeviceTest):
    def assert_ends_at_once(self, device: Device, limit: float = AT_ONCE_S) -> None:
        connecting = Waiting(device.connect)
        time.sleep(0.2)
        began = time.monotonic()
        device.close()
        self.assertLess(time.monotonic() - began, limit)
        self.assertIsInstance(connecting.end(), ClosedError)
        until(lambda: not threads("heliograph-mqtt", "heliograph"), "the end of the dial's thread", 2)

    def test_a_server_that_is_silent_at_tls(self) -> None:
        self.assert_ends_at_once(Device(self.activated(self.listener().getsockname()[1])))

    def test_a_server_that_does_not_take_connections(self) -> None:
        listener = self.listener()
        listener.listen(0)
        for _ in range(3):  # fill its queue
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        self.assert_ends_at_once(Device(self.activated(listener.getsockname()[1])))

    def test_a_name_that_is_being_looked_up(self) -> None:
        broker = self.broker()
        found = socket.getaddrinfo("127.0.0.1", broker.port, type=socket.SOCK_STREAM)

        def look_up(*_: object, **__: object) -> object:
            time.sleep(1)
            return found

        with mock.patch("socket.getaddrinfo", look_up):
            self.assert_ends_at_once(Device(self.activated(broker.port)), AT_ONCE_S / 3)
        self.assertEqual(broker.received, [])

    def test_the_time_limit_holds_at_tls(self) -> None:
        settings = Settings(connect_timeout=0.5, keepalive=60)
        causes: list[str] = []
        device = Device(self.activated(self.listener().getsockname()[1]), settings=settings)
        device.on("disconnected", lambda event: causes.append(event.cause))
        Waiting(device.connect)
        until(lambda: causes, "the end of the attempt", 2)
        device.close()
        self.assertEqual(causes[0], "no connection within 0.5 s")


class CloseWhileActivating(DeviceTest):
    def test_keeps_no_thread_and_no_loop(self) -> None:
        url = f"https://127.0.0.1:{self.listener().getsockname()[1]}/"

        async def run() -> None:
            activation = Activation(url, "code", CA.certificate)
            device = await AsyncDevice.open(self.folder, activation=activation)
            connecting = asyncio.ensure_future(device.connect())
            await asyncio.sleep(0.2)
            await device.close()
            with self.assertRaises(ClosedError):
                await connecting

        began = time.monotonic()
        asyncio.run(run())
        self.assertLess(time.monotonic() - began, AT_ONCE_S)
        until(lambda: not threads("heliograph-activation"), "the end of the request's thread", 2)


class Noise(DeviceTest):
    def test_none_from_a_connect_that_nobody_waits_for(self) -> None:
        noise: list[str] = []

        async def run() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: noise.append(context["message"]))
            device = await AsyncDevice.open(self.activated(1))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(device.connect(), 0.1)
            await device.close()
            self.assertEqual(asyncio.all_tasks() - {asyncio.current_task()}, set())
            del device
            gc.collect()

        asyncio.run(run())
        self.assertEqual(noise, [])


@unittest.skipUnless(hasattr(signal, "setitimer"), "there is no timer that sends a signal")
class InterruptedClose(DeviceTest):
    def test_a_second_close_ends_what_the_first_began(self) -> None:
        broker = self.broker()
        device = Device(self.activated(broker.port), settings=Settings(close_limit=0.6))
        held = threading.Event()

        @device.on_notification
        def handle(_: Notification) -> None:
            held.wait()

        device.connect()
        broker.notify("1")
        until(lambda: threads("heliograph-handler"), "the handler")
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with self.assertRaises(KeyboardInterrupt):
            device.close()
        self.assertTrue(device.is_connected)
        device.close()
        self.assertFalse(device.is_connected)
        held.set()
        until(lambda: not threads("heliograph", "heliograph-events"), "the end of the device's threads")


if __name__ == "__main__":
    unittest.main()
