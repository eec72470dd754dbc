"""What a refusal by the store means for the file and for the queue (PROTOCOL.md, section 6).

Rules of this module: pure. No status leads to an attempt without a wait before it (SY-20).
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import Final

from sync.wire import CONTENT_MISMATCH, PARKED

REFUSALS_BEFORE_LEAVING: Final = 3


class Action(Enum):
    """What to do after a refusal."""

    WAIT = "wait"
    """It concerns the unit or the store as a whole: wait, then go on."""
    DECLARE_AGAIN = "declare-again"
    """The content failed: wait, create the upload anew, send again."""
    COUNT = "count"
    """It concerns this file: wait and try again, but leave the file after a few times, for the others' sake."""
    PARKED = "parked"
    """The store keeps the content aside: go on with the next file at once."""


_ACTIONS: Final = {
    PARKED: Action.PARKED,
    CONTENT_MISMATCH: Action.DECLARE_AGAIN,
    int(HTTPStatus.BAD_REQUEST): Action.COUNT,
    int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE): Action.COUNT,
}


def action_for(status: int, code: str) -> Action:
    """Classify a refusal by its status, and a 409 by its code; what is not known waits."""
    if status == HTTPStatus.CONFLICT and code == "size-differs":
        return Action.COUNT
    return _ACTIONS.get(status, Action.WAIT)
