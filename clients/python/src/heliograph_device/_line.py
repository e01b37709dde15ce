"""A TLS connection that a thread makes and that can be given up from outside."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import ssl
import threading
import time
from typing import Any

_LOOK_EVERY_S = 0.1
"""How soon a dial notices that it was given up."""


class Line:
    """A blocking dial could not be ended: whoever closes a device would wait for its time limit."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._deadline = time.monotonic() + limit
        self._lock = threading.Lock()
        self._made: ssl.SSLSocket | None = None
        self._is_given_up = False

    def open(self, host: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Looks the host up, connects and shakes hands; the socket it returns does not block.

        Raises OSError or ValueError, at the latest when the limit has passed; only the look-up can take
        longer.
        """
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for left in range(len(addresses), 0, -1):
            family, kind, protocol, _, address = addresses[-left]
            self._check(self._deadline)
            # an address that does not answer leaves time for those after it
            until = time.monotonic() + (self._deadline - time.monotonic()) / left
            try:
                connected = self._connect(socket.socket(family, kind, protocol), address, until)
            except OSError:
                if left == 1:
                    raise
            else:
                return self._secure(connected, host, context)
        raise OSError(f"{host} has no address")

    def give_up(self) -> bool:
        """Ends the dial. False if the connection had been made before: then it is left alone."""
        with self._lock:
            self._is_given_up = self._made is None
            return self._is_given_up

    def cut(self) -> None:
        """Ends the dial, or the connection that it has made: whoever reads from it hears of its end."""
        if not self.give_up() and self._made is not None:
            with contextlib.suppress(OSError):
                # that of SSLSocket would go on in plain text
                socket.socket.shutdown(self._made, socket.SHUT_RDWR)

    def _connect(self, sock: socket.socket, address: Any, until: float) -> socket.socket:
        try:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(address)
            self._wait(sock, selectors.EVENT_WRITE, until)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error != 0:
                raise OSError(error, os.strerror(error))
        except BaseException:
            sock.close()
            raise
        return sock

    def _secure(self, connected: socket.socket, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
        with contextlib.closing(connected):  # of which nothing is left once it is wrapped
            sock = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        try:
            self._shake_hands(sock)
            with self._lock:
                self._refuse_given_up()
                self._made = sock
        except BaseException:
            sock.close()
            raise
        return sock

    def _shake_hands(self, sock: ssl.SSLSocket) -> None:
        while True:
            try:
                sock.do_handshake()
            except ssl.SSLWantReadError:
                self._wait(sock, selectors.EVENT_READ, self._deadline)
            except ssl.SSLWantWriteError:
                self._wait(sock, selectors.EVENT_WRITE, self._deadline)
            else:
                return

    def _wait(self, sock: socket.socket, event: int, until: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, event)
            self._check(until)
            while not selector.select(_LOOK_EVERY_S):
                self._check(until)

    def _check(self, until: float) -> None:
        self._refuse_given_up()
        if time.monotonic() > until:
            raise TimeoutError(f"no connection within {self._limit:g} s")

    def _refuse_given_up(self) -> None:
        if self._is_given_up:
            raise ConnectionAbortedError("the attempt was given up")
