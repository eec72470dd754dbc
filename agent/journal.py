"""How the agent logs: lines with a priority for systemd's journal, plain lines at a terminal.

Rules of this module: one handler, on stderr; times come from whoever collects the lines.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Final, TextIO

_PRIORITIES: Final[Mapping[int, int]] = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}


class JournalFormatter(logging.Formatter):
    """`<N>name: message`, every line of it with the priority: the journal reads priorities line by line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one entry."""
        text = f"{record.name}: {super().format(record)}"
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in text.splitlines() or [""])


def set_up_logging(environment: Mapping[str, str], level: int, stream: TextIO | None = None) -> None:
    """Send the log to stderr, with priorities where systemd's journal reads it.

    Args:
        environment: `JOURNAL_STREAM` says that the journal listens.
        level: Lowest level that is logged.
        stream: Another stream than stderr.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    if "JOURNAL_STREAM" in environment:
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
