"""The program's own code, which can end in any way: the device goes on."""

from __future__ import annotations

import asyncio
import logging
import sys
import unittest
from typing import Any
from unittest import mock

from support import DeviceTest, until

from heliograph_device import AsyncDevice, Device, HeliographDeviceError, Notification, Settings


def at_once() -> float:
    """A ``random`` for reconnecting without a wait."""
    return 0.0


class Blocking(DeviceTest):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.broker()
        settings = Settings(close_limit=1, random=at_once)
        self.device = Device(self.activated(self.server.port), settings=settings)
        self.addCleanup(self.device.close)
        self.errors: list[HeliographDeviceError] = []
        self.device.on("error", self.errors.append)

    def fails_on_the_first(self, raising: Any) -> None:
        handled: list[str] = []

        def handle(notification: Notification) -> None:
            if notification.id == "1":
                raising()
            handled.append(notification.id)

        self.device.on_notification(handle)
        self.device.connect()
        self.server.notify("1")
        second = self.server.notify("2")
        until(lambda: second in self.server.acknowledged, "the acknowledgement of the next one")
        until(lambda: self.errors, "an error")
        self.assertEqual(self.errors[0].reason, "HandlerFailed")
        self.assertEqual(handled, ["2"])
        self.assertEqual(self.server.acknowledged, [second])

    def test_a_handler_that_calls_exit(self) -> None:
        self.fails_on_the_first(lambda: sys.exit(3))
        self.assertIn("SystemExit: 3", str(self.errors[0]))

    def test_a_handler_that_raises_what_no_future_takes(self) -> None:
        self.fails_on_the_first(lambda: next(iter([])))

    def test_a_handler_that_raises_cancelled(self) -> None:
        def cancel() -> None:
            raise asyncio.CancelledError

        self.fails_on_the_first(cancel)

    def test_a_listener_that_calls_exit(self) -> None:
        tokens: list[str] = []
        self.device.on("connected", lambda _: sys.exit(3))
        self.device.on("token", lambda event: tokens.append(event.topic))
        self.device.connect()
        self.device.register("com.example.app")
        until(lambda: tokens, "the next event")
        self.assertEqual([error.reason for error in self.errors], ["ListenerFailed"])

    def test_a_coroutine_function_is_no_handler(self) -> None:
        async def handle(_: Notification) -> None:
            raise AssertionError("this is not run")

        self.device.on_notification(handle)  # type: ignore[arg-type]
        self.device.connect()
        self.server.notify("1")
        until(lambda: self.errors, "an error")
        self.assertEqual(self.errors[0].reason, "HandlerFailed")
        self.assertIn("AsyncDevice", str(self.errors[0]))
        self.assertEqual(self.server.acknowledged, [])

    def test_a_coroutine_function_is_no_listener(self) -> None:
        async def listen(_: object) -> None:
            raise AssertionError("this is not run")

        self.device.on("connected", listen)  # type: ignore[arg-type]
        self.device.connect()
        until(lambda: self.errors, "an error")
        self.assertEqual(self.errors[0].reason, "ListenerFailed")
        self.assertIn("AsyncDevice", str(self.errors[0]))


class Asyncio(DeviceTest):
    async def opened(self, **settings: Any) -> AsyncDevice:
        self.server = self.broker()
        self.errors: list[str] = []
        given = Settings(close_limit=0.5, random=at_once, **settings)
        device = await AsyncDevice.open(self.activated(self.server.port), settings=given)
        device.on("error", lambda error: self.errors.append(error.reason))
        return device

    async def is_connected_again(self) -> None:
        self.server.cut()
        received = self.server.received
        await asyncio.to_thread(until, lambda: received.count("CONNECT") == 2, "a second connection")

    async def fails_on_the_first(self, raising: Any) -> None:
        async with await self.opened() as device:

            async def handle(notification: Notification) -> None:
                if notification.id == "1":
                    await raising()

            device.on_notification(handle)
            await device.connect()
            self.server.notify("1")
            second = self.server.notify("2")
            await asyncio.to_thread(until, lambda: second in self.server.acknowledged, "the next one")
            self.assertEqual(self.errors, ["HandlerFailed"])
            self.assertEqual(self.server.acknowledged, [second])

    def test_a_handler_that_raises_cancelled(self) -> None:
        async def cancelled() -> None:
            other = asyncio.ensure_future(asyncio.sleep(9))
            other.cancel()
            await other

        asyncio.run(self.fails_on_the_first(cancelled))

    def test_a_handler_that_calls_exit(self) -> None:
        async def leave() -> None:
            await asyncio.sleep(0)
            sys.exit(3)

        asyncio.run(self.fails_on_the_first(leave))

    def test_what_listeners_raise_stops_no_connection(self) -> None:
        async def run() -> None:
            async with await self.opened() as device:

                async def leave(_: object) -> None:
                    sys.exit(3)

                def cancel(_: object) -> None:
                    raise asyncio.CancelledError

                device.on("connected", leave)
                device.on("connected", cancel)
                device.on("disconnected", cancel)
                await device.connect()
                await self.is_connected_again()
                self.assertEqual(set(self.errors), {"ListenerFailed"})

        asyncio.run(run())

    def test_what_log_handlers_raise_stops_no_connection(self) -> None:
        class Full(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                raise OSError("no space left on device")

        logger = logging.Logger("full", logging.INFO)
        logger.addHandler(Full())

        async def run() -> None:
            async with await self.opened(logger=logger) as device:
                await device.connect()
                await self.is_connected_again()

        asyncio.run(run())

    def test_what_opening_raises_stops_no_connection(self) -> None:
        async def run() -> None:
            async with await self.opened() as device:
                failing = mock.patch.object(device._registrar, "on_connected", side_effect=RuntimeError)
                with failing:
                    await device.connect()
                self.assertEqual(self.errors, ["StateUnusable"])
                await self.is_connected_again()

        asyncio.run(run())

    def test_a_drop_is_told(self) -> None:
        async def run() -> None:
            async with await self.opened() as device:
                dropped: list[Any] = []
                device.on("dropped", dropped.append)
                device.on_notification(lambda _: None)
                await device.connect()
                self.server.notify("1")
                second = self.server.notify("1")
                await asyncio.to_thread(until, lambda: second in self.server.acknowledged, "the repeat")
                (event,) = dropped
                told = (event.id, event.topic, event.channel, event.why)
                self.assertEqual(told, ("1", "com.example.app", None, "repeat"))

        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
