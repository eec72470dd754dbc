"""The BREAK that waits for its RESUME, so that every OPEN behind it names it.

Rules of this module: no I/O. The agent learns a BREAK's sequence number only when it is on the medium; a file that has
to be opened before the agent has said so must not hide the break from a recovery that reads from its OPEN on.
"""

from __future__ import annotations

from dataclasses import replace

from sealing.records import Break, Resume, SessionBody, SessionEnd, StateSnapshot
from sealing.references import RecordReference


class PendingBreak:
    """Follows what is sealed."""

    def __init__(self) -> None:
        self._open: tuple[Break, int] | None = None

    def note(self, body: SessionBody, reference: RecordReference) -> RecordReference:
        """Learn what is on the medium now; gives the reference back."""
        if isinstance(body, Break):
            self._open = body, reference.sequence
        elif isinstance(body, Resume | SessionEnd):
            self._open = None
        return reference

    def named_in(self, state: StateSnapshot) -> StateSnapshot:
        """The state with the break that is pending, where it counts that break and does not know its number yet."""
        if self._open is None or state.break_sequence is not None:
            return state
        body, sequence = self._open
        if (state.session_id, state.breaks) != (body.session_id, body.number):
            return state
        return replace(state, break_sequence=sequence, break_cause=body.cause, break_origin=body.origin.value)
