"""What can go wrong on the device's side."""

from __future__ import annotations

__all__ = [
    "ActivationError",
    "BadMessageError",
    "CertificateExpiredError",
    "ChannelError",
    "ClosedError",
    "HandlerError",
    "HeliographDeviceError",
    "MoveRefusedError",
    "NotConnectedError",
    "RefusedError",
    "RequestTimeoutError",
    "StateError",
]


class HeliographDeviceError(Exception):
    """Every error this SDK raises or emits; its text is one sentence for a person."""

    reason: str
    """One of the SDK's own reasons, or the service's reason word for word."""

    topic: str | None
    """The topic it is about, where it is about one."""

    channel: str | None
    """The channel it is about, where it is about one; its id is a key, and so not in the text."""

    status: int | None
    """The HTTP status with which an activation was refused: after 429 or 5xx the code is still valid."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        topic: str | None = None,
        channel: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.topic = topic
        self.channel = channel
        self.status = status


class ActivationError(HeliographDeviceError):
    """``NotActivated``, ``ActivationUnreachable``, ``ActivationRefused`` or the service's reason."""


class RefusedError(HeliographDeviceError):
    """The service refused a request, or a token, for the reason that ``reason`` gives."""


class ChannelError(HeliographDeviceError):
    """``BadChannelId``, ``TooManyChannels``, or ``ChannelRefused`` by the broker."""


class RequestTimeoutError(HeliographDeviceError, TimeoutError):
    """``Timeout``: no answer in time; the request is repeated when the device connects."""


class ClosedError(HeliographDeviceError):
    """``Closed``: the device was closed, the topic unregistered, or the channel left, before the
    answer."""


class NotConnectedError(HeliographDeviceError):
    """``NotConnected``: internal to a request that will be repeated."""


class HandlerError(HeliographDeviceError):
    """``HandlerFailed`` or ``ListenerFailed``: the program's own code raised."""


class BadMessageError(HeliographDeviceError):
    """``BadMessage``: the service sent something unreadable; it is dropped."""


class MoveRefusedError(HeliographDeviceError):
    """``MoveRefused``: the service goes where ``may_move_to`` lets the device not go."""


class CertificateExpiredError(HeliographDeviceError):
    """``CertificateExpired``, by the device's clock; the SDK tries anyway."""


class StateError(HeliographDeviceError):
    """``StateDamaged`` or ``StateUnusable``: the text names the file and what to do."""


def as_fault(thrown: BaseException) -> HeliographDeviceError:
    """What was raised, as an error of this SDK; any other can only have come from the state files."""
    if isinstance(thrown, HeliographDeviceError):
        return thrown
    fault = StateError("StateUnusable", message_of(thrown))
    fault.__cause__ = thrown
    return fault


def message_of(thrown: BaseException) -> str:
    """Its text; with its name where that says more, as of ``sys.exit(1)``."""
    name, text = type(thrown).__name__, str(thrown)
    if not text:
        return name
    return text if isinstance(thrown, Exception) else f"{name}: {text}"
