"""Keeps the device's topics and the service's view of them the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from ._backoff import Random
from ._events import Accepted, Events, Rejected, TokenChanged
from ._json import JsonObject, as_object, as_text, list_at, text_at
from ._lifetime import Lifetime
from ._registrations import RegisteredTopic, RegistrationStore
from ._repeats import Repeats
from ._waits import await_as, reject, resolve
from .errors import (
    ClosedError,
    HeliographDeviceError,
    NotConnectedError,
    RefusedError,
    RequestTimeoutError,
)

Answer = TypeVar("Answer")
Send = Callable[[str, JsonObject], Awaitable[None]]
"""Publishes a request to the service; raises NotConnectedError while there is no connection."""

_PRESENT = "the tokens"
"""Among the topics that are repeated; no topic has a space."""

_CURABLE = frozenset({"BadDeviceToken", "NotYourToken", "Unregistered"})
"""Reasons of the service for which a new registration gives a new, good token."""


class Registrar:
    def __init__(
        self,
        store: RegistrationStore,
        send: Send,
        events: Events,
        lifetime: Lifetime,
        random: Random,
        time_limit: float,
        start: Callable[[Coroutine[Any, Any, object]], object],
    ) -> None:
        self._store = store
        self._send = send
        self._events = events
        self._time_limit = time_limit
        self._start = start
        self._repeats = Repeats(lifetime, random)
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._leaving: dict[str, asyncio.Future[None]] = {}
        self._farewells: dict[str, RegisteredTopic] = {}
        """The newest wish of this run to leave a topic; an older one that is told late is not it."""
        self._left: set[str] = set()
        """Topics unregistered in this run: a straggler for them is nobody's."""
        self._retried: set[str] = set()
        """Topics registered again after a refusal and not accepted since."""

    def tokens(self) -> dict[str, str]:
        """The token of every registered topic."""
        return {
            topic: known.token
            for topic, known in self._store.topics.items()
            if known.state == "wanted" and known.token is not None
        }

    def has_every_token(self) -> bool:
        """Whether there is a token for every topic that is wanted."""
        known = self._store.topics.values()
        return all(one.state != "wanted" or one.token is not None for one in known)

    def has_left(self, topic: str) -> bool:
        known = self._store.topics.get(topic)
        return topic in self._left or (known is not None and known.state == "leaving")

    def register(self, topic: str) -> asyncio.Future[str]:
        """Asks for the token of a topic, now or as soon as there is a connection.

        An ``unregister`` that waits is over with that.
        """
        asked = self._waiting.get(topic)
        if asked is not None:
            return asked
        answer = self._await(self._waiting, topic, "register")
        self._left.discard(topic)
        resolve(self._leaving.pop(topic, None), None)
        self._start(self._want(topic, answer))
        return answer

    async def _want(self, topic: str, answer: asyncio.Future[str]) -> None:
        def want(before: RegisteredTopic | None) -> RegisteredTopic:
            is_wanted = before is not None and before.state == "wanted"
            return before if is_wanted and before is not None else RegisteredTopic("wanted")

        try:
            await self._store.change(topic, want)
        except HeliographDeviceError as error:
            reject(answer, error)
        else:
            await self._send_register(topic)

    def unregister(self, topic: str) -> asyncio.Future[None]:
        """Makes the token of a topic dead. The wish is on disk first, so it survives being offline."""
        asked = self._leaving.get(topic)
        if asked is not None:
            return asked
        answer = self._await(self._leaving, topic, "unregister")
        wish = RegisteredTopic("leaving")
        self._left.add(topic)
        self._repeats.stop(topic)
        self._farewells[topic] = wish
        closed = ClosedError("Closed", f"{topic} was unregistered", topic=topic)
        reject(self._waiting.pop(topic, None), closed)
        self._start(self._wish_to_leave(topic, wish, answer))
        return answer

    async def _wish_to_leave(self, topic: str, wish: RegisteredTopic, answer: asyncio.Future[None]) -> None:
        try:
            await self._store.change(topic, lambda _before: wish)
        except HeliographDeviceError as error:
            self._stay(topic)
            reject(answer, error)
        else:
            await self._leave(topic, wish)

    def _stay(self, topic: str) -> None:
        """A topic that is registered still, as the wish to leave it could not be written: what comes for
        it counts."""
        known = self._store.topics.get(topic)
        if known is not None and known.state == "wanted":
            self._left.discard(topic)

    def on_connected(self) -> None:
        """After every CONNACK: presents the tokens, then repeats what was never answered."""
        self.present()
        for topic, known in self._store.topics.items():
            if known.state == "leaving":
                self._start(self._leave(topic, known))
            elif known.token is None or topic in self._waiting:
                self._start(self._send_register(topic))

    def present(self) -> None:
        """Shows the service which tokens this device holds; it answers, and drains what is pending."""
        self._present_again()
        self._repeats.start(_PRESENT, self._present_again)

    def _present_again(self) -> None:
        self._start(self._try_send("connect", {"tokens": list(self.tokens().values())}))

    def on_disconnected(self) -> None:
        """What was not answered is asked for again after the next CONNACK."""
        self._repeats.stop_all()

    async def on_token(self, message: JsonObject) -> None:
        """``heliograph/token``"""
        topic, token = text_at(message, "topic"), text_at(message, "token")
        if topic and token:
            await self._keep(topic, token)

    async def on_account(self, message: JsonObject) -> None:
        """``heliograph/connected``"""
        self._repeats.stop(_PRESENT)
        accepted = list_at(message, "accepted", as_text)
        self._retried.difference_update(accepted)
        if accepted:
            self._events.emit("accepted", Accepted(tuple(accepted)))
        for renewed in list_at(message, "renewed", as_object):
            await self.on_token(renewed)
        for rejected in list_at(message, "rejected", as_object):
            await self._on_rejected(rejected)

    async def on_error(self, message: JsonObject) -> None:
        """``heliograph/error``: ends the registration it is about, or is emitted where nobody waits."""
        reason = text_at(message, "reason") or "unknown"
        request = as_object(message.get("request")) or {}
        kind, topic = text_at(request, "kind") or "unknown", text_at(request, "topic")
        # The topic is not registered: that is what unregister wanted.
        if kind == "unregister" and reason == "UnknownTopic":
            return
        if kind == "register":
            await self._on_register_refused(reason, topic)
        else:
            self._events.emit("error", _refusal(reason, kind, topic))

    def close(self) -> None:
        """Ends every wait."""
        self._repeats.stop_all()
        closed = ClosedError("Closed", "the device was closed before the service answered")
        for waiting in list(self._waiting.values()):
            reject(waiting, closed)
        for leaving in list(self._leaving.values()):
            reject(leaving, closed)

    async def _keep(self, topic: str, token: str) -> None:
        self._repeats.stop(topic)
        known = self._store.topics.get(topic)
        if known is None or known.state != "wanted":
            return

        def keep(before: RegisteredTopic | None) -> RegisteredTopic | None:
            is_same = before is None or before.state != "wanted" or before.token == token
            return before if is_same else RegisteredTopic("wanted", token)

        await self._store.change(topic, keep)
        resolve(self._waiting.get(topic), token)
        if known.token != token:
            self._events.emit("token", TokenChanged(topic, token))

    async def _on_rejected(self, rejected: JsonObject) -> None:
        token = text_at(rejected, "token") or ""
        reason = text_at(rejected, "reason") or "unknown"
        topic = next((topic for topic, held in self.tokens().items() if held == token), None)
        self._events.emit("rejected", Rejected(topic, token, reason))
        if topic is None:
            return
        if reason in _CURABLE and topic not in self._retried:
            await self._register_again(topic)
            return
        text = f"the service refuses the token for {topic}: {reason}"
        self._events.emit("error", RefusedError(reason, text, topic=topic))

    async def _register_again(self, topic: str) -> None:
        self._retried.add(topic)

        def forget(before: RegisteredTopic | None) -> RegisteredTopic | None:
            is_wanted = before is not None and before.state == "wanted"
            return RegisteredTopic("wanted") if is_wanted else before

        await self._store.change(topic, forget)
        await self._send_register(topic)

    async def _on_register_refused(self, reason: str, echoed: str | None) -> None:
        """A topic that is not a topic is not echoed: then it is the one that is waited for."""
        only = next(iter(self._waiting)) if len(self._waiting) == 1 else None
        topic = echoed if echoed is not None else only
        error = _refusal(reason, "register", topic)
        waiting = None if topic is None else self._waiting.get(topic)
        if topic is not None:
            self._repeats.stop(topic)
            await self._forget_unanswered(topic)
        if waiting is not None:
            reject(waiting, error)
        else:
            self._events.emit("error", error)

    async def _forget_unanswered(self, topic: str) -> None:
        """A topic that never had a token is not asked for again at the next connect."""

        def forget(before: RegisteredTopic | None) -> RegisteredTopic | None:
            is_unanswered = before is not None and before.state == "wanted" and before.token is None
            return None if is_unanswered else before

        await self._store.change(topic, forget)

    async def _leave(self, topic: str, wish: RegisteredTopic) -> None:
        """Only the wish that was told is done with: the program may have changed its mind twice since."""
        if not await self._try_send("unregister", {"topic": topic}):
            return
        await self._store.change(topic, lambda before: None if before is wish else before)
        if self._farewells.get(topic) is wish:
            resolve(self._leaving.pop(topic, None), None)

    async def _send_register(self, topic: str) -> None:
        if not await self._try_send("register", {"topic": topic}) or not self._is_asked(topic):
            return

        self._repeats.start(topic, lambda: self._register_unanswered(topic))

    def _register_unanswered(self, topic: str) -> None:
        """What has been answered, or given up, while the PUBACK of the request came is not repeated."""
        if self._is_asked(topic):
            self._start(self._try_send("register", {"topic": topic}))
        else:
            self._repeats.stop(topic)

    async def _try_send(self, request: str, body: JsonObject) -> bool:
        """False where there is no connection: it is sent again after the next CONNACK."""
        try:
            await self._send(request, body)
        except NotConnectedError:
            return False
        return True

    def _is_asked(self, topic: str) -> bool:
        """No answer has come yet, or it is still being written.

        The PUBACK of the request and the answer can come in any order.
        """
        known = self._store.topics.get(topic)
        is_wanted = known is not None and known.state == "wanted"
        return is_wanted and known is not None and (known.token is None or topic in self._waiting)

    def _await(
        self, waits: dict[str, asyncio.Future[Answer]], topic: str, what: str
    ) -> asyncio.Future[Answer]:
        """A wait that ends by an answer, by the time limit or by close()."""
        late = RequestTimeoutError(
            "Timeout",
            f"no answer to {what} {topic} within {self._time_limit:g} s: "
            "it is repeated when the device connects",
            topic=topic,
        )
        return await_as(waits, topic, self._time_limit, late)


def _refusal(reason: str, kind: str, topic: str | None) -> RefusedError:
    what = f"a {kind} request" if topic is None else f"the {kind} request for {topic}"
    return RefusedError(reason, f"the service refused {what}: {reason}", topic=topic)
