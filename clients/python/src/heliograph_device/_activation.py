"""Activation: a code is turned into an identity."""

from __future__ import annotations

import asyncio
import dataclasses
import http.client
import json
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ._backoff import Random, retry_delay
from ._certificate import belong_together, make_private_key, make_request, server_context
from ._identity import Activated, IdentityStore, parse_answer
from ._json import JsonObject, parse_object, text_at
from ._line import Line
from ._program import in_thread
from .errors import ActivationError, message_of

_TRIES = 4
_TIME_LIMIT_S = 15.0
"""For a whole try: a peer that drips its answer is given no more time than one that is silent."""

_LARGEST_ANSWER = 64 * 1024
"""Two certificates and a few names; an answer above this is not one."""

_LINE_TRIES = 60
_LONGEST_WAIT_S = 600.0
"""How often a service that names its time is believed, and how long it may ask to wait."""


@dataclass(frozen=True)
class Activation:
    """What the operator hands out for one device."""

    url: str
    """Complete, https."""
    code: str = field(repr=False)
    """The one-time activation code."""
    ca: str | None = None
    """PEM of the CA that signed the endpoint's certificate; the system's CAs where absent."""


@dataclass(frozen=True)
class _Reply:
    status: int
    body: str
    retry_after: float | None
    """Seconds that the service asks for with ``Retry-After``."""

    @property
    def is_busy(self) -> bool:
        return self.status == 429 or self.status >= 500

    @property
    def named_wait(self) -> float | None:
        """How long to wait, where a busy service says so."""
        return self.retry_after if self.status in (429, 503) else None


async def activate(options: Activation, identity: IdentityStore, random: Random) -> str:
    """Turns a code into an identity.

    The key is on disk before the first request, so that a repeat after a lost answer carries the same
    key, which the service answers with the same device.
    """
    private_key = await _kept_key(identity)
    body = json.dumps({"csr": make_request(private_key), "activationCode": options.code})
    activated = _read_answer(await _post_with_retries(options, body, random), private_key)
    await identity.change(
        lambda kept: dataclasses.replace(kept, fresh_key=None, activated=activated, next=None, move=None)
    )
    return activated.device_id


async def _kept_key(identity: IdentityStore) -> str:
    known = identity.current.fresh_key
    if known is not None:
        return known
    private_key = make_private_key()
    await identity.change(lambda kept: dataclasses.replace(kept, fresh_key=private_key))
    return private_key


async def _post_with_retries(options: Activation, body: str, random: Random) -> _Reply:
    """Tries again where no answer came or the service was busy; a refusal is final.

    A service that says when to come again has the request in its line: those waits are no failures.
    """
    failures = in_line = 0
    while True:
        is_last = failures == _TRIES - 1
        try:
            reply = await _post(options, body)
        except (OSError, ValueError, http.client.HTTPException) as error:
            if is_last:
                raise _unreachable(options.url, error) from error
        else:
            if not reply.is_busy:
                return reply
            if reply.named_wait is not None and in_line < _LINE_TRIES:
                in_line += 1
                await asyncio.sleep(reply.named_wait + retry_delay(0, random))
                continue
            if is_last:
                return reply
        await asyncio.sleep(retry_delay(failures, random))
        failures += 1


async def _post(options: Activation, body: str) -> _Reply:
    """One try; its thread ends with the wait for it, and keeps no process alive."""
    line = Line(_TIME_LIMIT_S)
    answer = in_thread(lambda: _exchange(options, body, line), "heliograph-activation")
    try:
        return await asyncio.wait_for(answer, _TIME_LIMIT_S)
    except asyncio.TimeoutError:
        raise TimeoutError(f"no whole answer within {_TIME_LIMIT_S:g} s") from None
    finally:
        line.cut()


def _exchange(options: Activation, body: str, line: Line) -> _Reply:
    target = urlsplit(options.url)
    if target.scheme != "https" or not target.hostname:
        raise ActivationError(
            "ActivationUnreachable",
            f'the activation url must be an https address, not "{options.url}"',
        )
    context = _context(options)
    connection = http.client.HTTPSConnection(target.hostname, target.port or 443, context=context)
    connection.sock = line.open(connection.host, connection.port, context)
    try:
        connection.sock.settimeout(_TIME_LIMIT_S)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        connection.request("POST", path, body.encode(), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return _Reply(response.status, _read(response), _retry_after(response))
    finally:
        connection.close()


def _context(options: Activation) -> ssl.SSLContext:
    if options.ca is None:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    try:
        return server_context(options.ca)
    except (OSError, ValueError) as error:  # it would be no other at the next try
        raise _unreachable(options.url, error) from error


def _read(response: http.client.HTTPResponse) -> str:
    body = response.read(_LARGEST_ANSWER + 1)
    if len(body) > _LARGEST_ANSWER:
        raise ValueError(f"answer above {_LARGEST_ANSWER} bytes")
    # a read with a limit does not say that the connection ended before what Content-Length told
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body.decode("utf-8", "replace")


def _retry_after(response: http.client.HTTPResponse) -> float | None:
    """In seconds; this service never sends the other form, a date."""
    text = response.getheader("Retry-After") or ""
    return min(float(text), _LONGEST_WAIT_S) if re.fullmatch("[0-9]{1,9}", text) else None


def _read_answer(reply: _Reply, private_key: str) -> Activated:
    data = parse_object(reply.body) or {}
    if reply.status != 201:
        raise _refused(reply.status, data)
    answer = parse_answer(data, private_key)
    if answer is not None and belong_together(answer):
        return answer
    raise ActivationError(
        "ActivationRefused",
        "the activation endpoint answered 201 without a certificate for this device: "
        "check the activation url",
    )


def _refused(status: int, data: JsonObject) -> ActivationError:
    reason = text_at(data, "reason")
    detail = (text_at(data, "detail") or "no reason given")[:200]
    named = f"HTTP {status}" if reason is None else f"{reason}, HTTP {status}"
    text = f"activation was refused: {detail} ({named})"
    return ActivationError(reason or "ActivationRefused", text, status=status)


def _unreachable(url: str, error: BaseException) -> ActivationError:
    return ActivationError(
        "ActivationUnreachable",
        f"the activation endpoint {url} cannot be reached ({message_of(error)}): check the address, "
        "the network and the CA, then try again with the same code",
    )
