"""Sends pieces of a file over a connection as cheaply as the connection allows.

Rules of this module: one piece at a time, all of it or an error; no protocol. Over a plain connection the kernel takes
the bytes from the file itself; under TLS they go through one buffer that is used again.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from typing import Final

PIECE_BYTES: Final = 256 * 1024
"""What is sent before anybody is asked again whether sending may go on (SY-26)."""


class FileEndedError(OSError):
    """The file is shorter than it was said to be."""


class PieceSender:
    """Sends one file's pieces over one connection.

    Args:
        sock: The connection, with its timeout.
        descriptor: The file.
        buffer: At least a piece long; used under TLS only.
    """

    def __init__(self, sock: socket.socket, descriptor: int, buffer: memoryview) -> None:
        self._sock = sock
        self._descriptor = descriptor
        self._buffer = buffer
        self._encrypts = isinstance(sock, ssl.SSLSocket)

    def send(self, offset_bytes: int, size_bytes: int) -> None:
        """Send a piece.

        Raises:
            FileEndedError: The file ends before the piece does.
            TimeoutError: The line stood still for the connection's timeout.
            OSError: The file or the line failed.
        """
        sent = 0
        while sent < size_bytes:
            place, left = offset_bytes + sent, size_bytes - sent
            count = self._encrypted(place, left) if self._encrypts else self._plain(place, left)
            if count == 0:
                raise FileEndedError(f"the file ends at byte {place}")
            sent += count

    def _encrypted(self, offset_bytes: int, size_bytes: int) -> int:
        count = os.preadv(self._descriptor, [self._buffer[:size_bytes]], offset_bytes)
        self._sock.sendall(self._buffer[:count])
        return count

    def _plain(self, offset_bytes: int, size_bytes: int) -> int:
        while True:
            try:
                return os.sendfile(self._sock.fileno(), self._descriptor, offset_bytes, size_bytes)
            except BlockingIOError:
                self._wait()

    def _wait(self) -> None:
        """Wait for room in the line; a socket with a timeout does not do that in `sendfile`."""
        seconds = self._sock.gettimeout()
        poll = select.poll()
        poll.register(self._sock, select.POLLOUT)
        if not poll.poll(None if seconds is None else seconds * 1000):
            raise TimeoutError(f"the line stood still for {seconds:g} s")
