"""How the agent logs: lines with a priority for systemd's journal, plain lines at a terminal.

Rules of this module: times come from whoever collects the lines. What alarms are hung on carries a message id and goes
to the journal in its own protocol; where that cannot be reached, as a line like any other.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

JOURNAL_SOCKET: Final = Path("/run/systemd/journal/socket")
_PRIORITIES: Final[Mapping[int, int]] = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}
_INFO: Final = 6


class MessageId(StrEnum):
    """What the agent says with an id; `systemd/catalog/recorder.catalog` explains each."""

    READY = "f75597cbdde64d89aeb201c6bf53e899"
    UNCLEAN_START = "16b79e57176144e6aaa34e8da620e08e"
    THREADS_STALLED = "81e94200a67a4560b04334fe7659b4c5"
    THREAD_ENDED = "5192fb16d25a45a2ab3abeeccfac5c05"
    MEMORY_NOT_LOCKED = "f8b8b6b7fa1a46f6966d76fce69a9279"


class JournalFormatter(logging.Formatter):
    """`<N>name: message`, every line of it with the priority: the journal reads priorities line by line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one entry."""
        text = f"{record.name}: {super().format(record)}"
        prefix = f"<{_PRIORITIES.get(record.levelno, _INFO)}>"
        return "\n".join(prefix + line for line in text.splitlines() or [""])


class JournalHandler(logging.StreamHandler[TextIO]):
    """Lines on a stream; entries with a message id to the journal's own socket.

    Args:
        stream: Where lines go.
        address: The journal's socket.
    """

    def __init__(self, stream: TextIO, address: Path = JOURNAL_SOCKET) -> None:
        super().__init__(stream)
        self._address = address

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one entry on."""
        message_id = getattr(record, "message_id", None)
        if isinstance(message_id, MessageId):
            with contextlib.suppress(OSError):
                self._send(record, message_id)
                return
        super().emit(record)

    def _send(self, record: logging.LogRecord, message_id: MessageId) -> None:
        fields = {
            "MESSAGE": f"{record.name}: {record.getMessage()}",
            "MESSAGE_ID": message_id.value,
            "PRIORITY": str(_PRIORITIES.get(record.levelno, _INFO)),
            "SYSLOG_IDENTIFIER": "recorder-agent",
        }
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            # A journal that stands still must not hold up who logs.
            link.setblocking(False)
            link.sendto(b"".join(_field(name, value) for name, value in fields.items()), str(self._address))


def as_event(message_id: MessageId) -> Mapping[str, MessageId]:
    """What to hand to a logger as `extra`, so that the journal gets the id."""
    return {"message_id": message_id}


def set_up_logging(environment: Mapping[str, str], level: int, stream: TextIO | None = None) -> None:
    """Send the log to stderr, with priorities where systemd's journal reads it.

    Args:
        environment: `JOURNAL_STREAM` says that the journal listens.
        level: Lowest level that is logged.
        stream: Another stream than stderr.
    """
    handler: logging.Handler
    if "JOURNAL_STREAM" in environment:
        handler = JournalHandler(stream or sys.stderr)
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _field(name: str, value: str) -> bytes:
    """One field of the journal's native protocol; the form with a length, which any text fits."""
    data = value.encode()
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
