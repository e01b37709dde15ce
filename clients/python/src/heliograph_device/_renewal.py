"""Replaces the device's certificate before it expires."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

from ._certificate import (
    Credentials,
    belong_together,
    certificate_age,
    common_name,
    make_private_key,
    make_request,
)
from ._identity import Activated, Identity, IdentityStore, NextCredentials
from ._json import JsonObject, text_at
from ._lifetime import Lifetime, nothing
from ._program import Log
from ._registrar import Send
from .errors import ActivationError, BadMessageError, HeliographDeviceError, message_of

_LOOK_EVERY_S = 12 * 3600.0
_ASK_AT_MOST_EVERY_S = 3600.0
_TRIES_WITH_NEXT = 3
"""Attempts with a new certificate before one with the old: a network fault is not a refusal."""


class Renewal:
    """The old pair stays until a connection with the new one has been accepted; the service keeps both
    valid until it hears that the new one is in use."""

    def __init__(
        self,
        identity: IdentityStore,
        send: Send,
        clock: Callable[[], float],
        lifetime: Lifetime,
        reconnect: Callable[[], None],
        report: Callable[[HeliographDeviceError], None],
        log: Log,
        start: Callable[[Coroutine[Any, Any, object]], object],
    ) -> None:
        self._identity = identity
        self._send = send
        self._clock = clock
        self._lifetime = lifetime
        self._reconnect = reconnect
        self._report = report
        self._log = log
        self._start = start
        self._stop_looking: Callable[[], None] = nothing
        self._asked_at = -math.inf
        self._failures_with_next = 0

    def credentials(self) -> Credentials:
        """What to connect with: the new pair, and now and then the old one while the new one fails."""
        activated, following = self._identity.current.activated, self._identity.current.next
        if activated is None:
            raise ActivationError("NotActivated", "this device has no certificate: activate it first")
        is_usable = following is not None and self._failures_with_next < _TRIES_WITH_NEXT
        if not is_usable or following is None or following.certificate is None:
            return Credentials(activated.private_key, activated.certificate)
        return Credentials(following.private_key, following.certificate)

    def on_failed(self, used: Credentials) -> None:
        self._failures_with_next = self._failures_with_next + 1 if self._is_next(used) else 0

    async def on_connected(self, used: Credentials) -> None:
        """Settles which pair counts from now on, then looks whether a renewal is due."""
        await self._settle(used)
        self._look()

    def on_disconnected(self) -> None:
        self._stop_looking()

    async def on_certificate(self, message: JsonObject) -> None:
        """``heliograph/certificate``"""
        activated, following = self._identity.current.activated, self._identity.current.next
        certificate = text_at(message, "certificate")
        if activated is None or following is None or not certificate:
            return
        if not _is_for(activated, Credentials(following.private_key, certificate)):
            text = "the service sent a certificate that is not for this device; the old one stays in use"
            self._report(BadMessageError("BadMessage", text))
            return
        renewed = NextCredentials(following.private_key, certificate)
        await self._identity.change(lambda kept: dataclasses.replace(kept, next=renewed))
        self._log.info("a new certificate has come: connecting with it")
        self._reconnect()

    def _is_next(self, used: Credentials) -> bool:
        following = self._identity.current.next
        return following is not None and used.certificate == following.certificate

    async def _settle(self, used: Credentials) -> None:
        self._failures_with_next = 0
        following = self._identity.current.next
        if following is None or following.certificate is None:
            return
        is_next = self._is_next(used)

        def settle(kept: Identity) -> Identity:
            activated = kept.activated
            if is_next and activated is not None:
                activated = dataclasses.replace(
                    activated, private_key=used.private_key, certificate=used.certificate
                )
            return dataclasses.replace(kept, activated=activated, next=None)

        await self._identity.change(settle)
        self._log.info("the new certificate %s", "is in use" if is_next else "was refused")
        if is_next:
            await self._send("renew", {"inUse": True})

    def _look(self) -> None:
        self.on_disconnected()
        self._stop_looking = self._lifetime.after(_LOOK_EVERY_S, self._look)
        activated = self._identity.current.activated
        if activated is None or "renew" not in activated.publish:
            return
        if certificate_age(activated.certificate, self._clock()) == "fresh":
            return
        if time.monotonic() - self._asked_at < _ASK_AT_MOST_EVERY_S:
            return
        self._asked_at = time.monotonic()
        self._start(self._ask())

    async def _ask(self) -> None:
        """The key is kept before the request leaves, and used again where the answer was lost."""
        following = self._identity.current.next
        private_key = make_private_key() if following is None else following.private_key
        try:
            await self._identity.change(
                lambda kept: dataclasses.replace(kept, next=NextCredentials(private_key))
            )
            await self._send("renew", {"csr": make_request(private_key)})
        except HeliographDeviceError as error:
            self._log.info("renewal not asked for: %s", message_of(error))
        else:
            self._log.info("a new certificate has been asked for")


def _is_for(activated: Activated, pair: Credentials) -> bool:
    return belong_together(pair) and common_name(pair.certificate) == activated.device_id
