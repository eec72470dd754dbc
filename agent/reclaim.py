"""Which sealed files give their space back, and when.

Rules of this module: pure. Only files whose receipt the chain knows are ever named, oldest first; never the newest that
has ended (`sealing/FORMAT.md`, SF-33). Loop recording is this rule, applied when space runs short.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.config import FreePolicy
from hal.values import StorageReading
from sealing.references import SealedFile

_PERCENT = 100


def next_to_free(
    files: Iterable[SealedFile], medium: StorageReading, policy: FreePolicy, free_below_percent: int
) -> int | None:
    """Name the file to free next.

    Args:
        files: All ended files of the spool.
        medium: How full it is.
        policy: When receipted files are freed.
        free_below_percent: «Needed» begins below this share of free space.

    Returns:
        The oldest file that may go, or None when none may or none has to.
    """
    if policy is FreePolicy.WHEN_NEEDED and not is_short(medium, free_below_percent):
        return None
    return min((file.number for file in files if file.freeable), default=None)


def is_short(medium: StorageReading, free_below_percent: int) -> bool:
    """Tell whether less than the wanted share of the medium is free."""
    return medium.free_bytes * _PERCENT < medium.total_bytes * free_below_percent
