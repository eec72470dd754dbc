"""Reads what the agent says of the unit, and says when it is to be told (SY-53).

Rules of this module: reads `status.json`, writes nothing; what may be said is decided in `sync.presence`.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

from sync.presence import Presence, encode_presence, gone, is_due, presence_of
from sync.rules import Radio
from sync.secrecy import Line

log = logging.getLogger(__name__)

_STATUS_BYTES_MAX: Final = 256 * 1024


def read_presence(status: Path, line: Line, radio: Radio, connection: str | None = None) -> Presence:
    """Say of the unit what may be said on a line; without a status, that it is there and no more.

    Args:
        status: The agent's `status.json`.
        line: Over which it would leave.
        radio: The profile's rule for labels.
        connection: Over which it leaves, where it stands for something.
    """
    try:
        with status.open("rb") as file:
            found = json.loads(file.read(_STATUS_BYTES_MAX))
    except (OSError, ValueError) as error:
        log.debug("%s says nothing of the unit: %s", status, error)
        found = {}
    return presence_of(found if isinstance(found, dict) else {}, line, radio, connection)


class Announcer:
    """Says what to say of the unit on one connection that is kept open, and when.

    Args:
        status: The agent's `status.json`.
        connection: Names the connection; a new one has a new name.
    """

    def __init__(self, status: Path, connection: str) -> None:
        self._status = status
        self._connection = connection
        self._said: Presence | None = None
        self._said_ns = 0

    @property
    def last_will(self) -> bytes:
        """What the broker is to say when the connection breaks."""
        return encode_presence(gone(self._connection))

    def due(self, now_ns: int, line: Line, radio: Radio) -> bytes | None:
        """What is to be said now; None: nothing new. What is given counts as said.

        Args:
            now_ns: Monotonic time.
            line: Over which the connection goes.
            radio: The profile's rule for labels.
        """
        now = read_presence(self._status, line, radio, self._connection)
        if not is_due(now, now_ns, self._said, self._said_ns):
            return None
        self._said, self._said_ns = now, now_ns
        return encode_presence(now)
