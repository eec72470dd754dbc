"""What may leave the unit over which kind of line (R16).

Rules of this module: pure. A label that the profile binds to the wire rules footage, headers and alerts separately; a
sequence number with its hash, and an alert without content, may always leave.
"""

from __future__ import annotations

from enum import Enum

from sync.rules import Radio


class Line(Enum):
    """The kinds of lines that profiles tell apart."""

    WIRE = "wire"
    RADIO = "radio"
    """Everything that can be heard without touching it: wireless networks and mobile networks."""


class Cargo(Enum):
    """What could leave."""

    FILES = "files"
    HEADERS = "headers"
    """Signed headers: who, when and what, without any content."""
    ALERTS = "alerts"
    """What an alert is about."""


def may_leave(cargo: Cargo, label: str | None, line: Line, radio: Radio) -> bool:
    """Tell whether something of a recording with this label may leave over the line.

    Args:
        cargo: What would leave.
        label: Secrecy label of the recording, None when it has none.
        line: Over which it would leave.
        radio: The profile's rule.
    """
    if line is Line.WIRE or label is None:
        return True
    forbidden = {
        Cargo.FILES: radio.files_forbidden,
        Cargo.HEADERS: radio.headers_forbidden,
        Cargo.ALERTS: radio.alerts_forbidden,
    }
    return label not in forbidden[cargo]
