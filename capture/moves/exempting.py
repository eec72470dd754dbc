"""Exemptions as records of their own (R11, CS-17).

Rules of this module: a ground is of the profile's list, or nothing is sealed.
"""

from __future__ import annotations

from capture.turn import IllegalEventError, Turn
from sealing.records import Event

EXEMPTION = "exemption"
"""Code of the event that an exemption is sealed as."""


def seal_exemption(turn: Turn, ground: str, *, break_number: int | None = None) -> None:
    """Want it sealed; a ground is named by its place in the profile's list, from 1, since an EVENT counts.

    Args:
        turn: What is under way.
        ground: Its code.
        break_number: Of the break that is made on this ground; None: the recording is not broken off for it.

    Raises:
        IllegalEventError: The profile has no such ground.
    """
    session, grounds = turn.machine.session, turn.machine.rules.grounds
    if ground not in grounds:
        raise IllegalEventError(f"ground {ground!r} is not in the profile, which has {', '.join(grounds) or 'none'}")
    of_break = () if break_number is None else (("break", break_number),)
    values = (("ground", grounds.index(ground) + 1), *of_break)
    turn.seal(Event(EXEMPTION, None if session is None else session.session_id, values), {"ground": ground})
