"""How much of a file may be on its way, and when the store says how far it is.

Rules of this module: pure numbers. The store sets the window; a broker's memory is what it bounds.
"""

from __future__ import annotations

from typing import Final

from sync.mqtt.bodies import WINDOW_BYTES_MAX, WINDOW_BYTES_MIN

BUDGET_BYTES: Final = 64 * 1024 * 1024
"""Of all windows together, as long as each may have the least."""
UPLOADS_MAX: Final = BUDGET_BYTES // WINDOW_BYTES_MIN
"""Uploads that may go on at a time over MQTT; beyond it 503."""
_ACKNOWLEDGED_PER_WINDOW: Final = 4
_ACKNOWLEDGED_BYTES_MAX: Final = 1024 * 1024


def window_bytes(active: int, budget_bytes: int = BUDGET_BYTES) -> int:
    """The window of a new upload (SY-46).

    Args:
        active: Uploads that go on, this one included.
        budget_bytes: Of all of them together.
    """
    return max(WINDOW_BYTES_MIN, min(WINDOW_BYTES_MAX, budget_bytes // max(1, active)))


def acknowledged_every(window: int) -> int:
    """Bytes after which the store says where it is: rarer than the window would bring the unit to a stand."""
    return min(_ACKNOWLEDGED_BYTES_MAX, window // _ACKNOWLEDGED_PER_WINDOW)
