"""Telling systemd how the service is (sd_notify), without a library.

Rules of this module: datagrams to `NOTIFY_SOCKET`; without one, nothing happens. Never raises: a service manager that
does not listen must not stop a recording.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

_MICROSECONDS = 1_000_000


class Notifier:
    """Speaks to the service manager.

    Args:
        environment: Where `NOTIFY_SOCKET` and `WATCHDOG_USEC` stand, as a rule `os.environ`.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._status = ""
        self.watchdog_seconds = _watchdog_seconds(environment)
        """Longest silence that the service manager accepts; None when it does not watch."""

    def ready(self) -> None:
        """Say that the service is up."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Say how it is, in one line; the same line again is not sent, unless nobody took it."""
        if text != self._status and self._send(f"STATUS={text}"):
            self._status = text

    def alive(self) -> None:
        """Feed the watchdog."""
        if self.watchdog_seconds is not None:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service is on its way down."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> bool:
        """Give it to the manager; says whether there is none, or it took it."""
        if not self._address:
            return True
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
                # A manager whose queue is full would block the main thread, and with it the stop.
                link.setblocking(False)
                link.sendto(message.encode(), address)
        except OSError as error:
            log.warning("the service manager did not take %r: %s", message, error)
            return False
        return True


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """`WATCHDOG_PID` tells whether the watchdog is meant for this process or for its parent."""
    try:
        pid = int(environment.get("WATCHDOG_PID", os.getpid()))
        seconds = int(environment["WATCHDOG_USEC"]) / _MICROSECONDS
    except (KeyError, ValueError):
        return None
    return seconds if seconds > 0 and pid == os.getpid() else None
