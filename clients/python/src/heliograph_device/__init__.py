"""The Heliograph device SDK for Python: receives push notifications over MQTT."""

from ._activation import Activation
from ._aio import AsyncDevice, AsyncHandler, Settings
from ._blocking import Device, Handler
from ._events import Accepted, Connected, Disconnected, DropCause, Dropped, Moved, Rejected, TokenChanged
from ._notification import Notification
from .errors import (
    ActivationError,
    BadMessageError,
    CertificateExpiredError,
    ChannelError,
    ClosedError,
    HandlerError,
    HeliographDeviceError,
    MoveRefusedError,
    NotConnectedError,
    RefusedError,
    RequestTimeoutError,
    StateError,
)

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "Activation",
    "ActivationError",
    "AsyncDevice",
    "AsyncHandler",
    "BadMessageError",
    "CertificateExpiredError",
    "ChannelError",
    "ClosedError",
    "Connected",
    "Device",
    "Disconnected",
    "DropCause",
    "Dropped",
    "Handler",
    "HandlerError",
    "HeliographDeviceError",
    "MoveRefusedError",
    "Moved",
    "NotConnectedError",
    "Notification",
    "RefusedError",
    "Rejected",
    "RequestTimeoutError",
    "Settings",
    "StateError",
    "TokenChanged",
]
