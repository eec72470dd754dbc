"""What the recorder says of itself: values for `recorder status` and the control socket.

Rules of this module: frozen values that JSON can carry; no names of officers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from capture.preflight import PreflightResult
from capture.states import Machine
from sealing.records import CheckVerdict


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """One check."""

    check: str
    verdict: str
    figure: int
    threshold: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """The recorder at one moment."""

    state: str
    session_id: str | None
    """Hexadecimal, None when no session is open."""
    session_number: int
    officer_ids: tuple[str, ...]
    checkout_sequence: int | None
    activity_id: str | None
    category: str | None
    label: str | None
    run: int
    marks: int
    breaks: int
    pending_break: str | None
    """Cause of the break that is going on or waits for its explanation."""
    chain_writable: bool
    refused_deliveries: int
    """Frames and blocks that found no room in memory."""
    standing_verdict: str | None
    standing: tuple[CheckStatus, ...]
    """Checks of an idle unit: battery, storage, clock, key, spool."""

    def as_table(self) -> dict[str, object]:
        """The status as JSON can carry it."""
        return asdict(self)


def check_statuses(result: PreflightResult | None) -> tuple[CheckStatus, ...]:
    """A result as status values."""
    if result is None:
        return ()
    return tuple(
        CheckStatus(check.check, check.verdict.value, check.figure, check.threshold, check.unit)
        for check in result.checks
    )


def status_of(
    machine: Machine, standing: PreflightResult | None, *, chain_writable: bool, refused_deliveries: int
) -> RecorderStatus:
    """Put together what the parts know."""
    session, held = machine.session, machine.assignment
    verdict: CheckVerdict | None = None if standing is None else standing.verdict
    return RecorderStatus(
        state=machine.state.value,
        session_id=None if session is None else session.session_id.hex(),
        session_number=machine.session_number,
        officer_ids=() if held is None else tuple(officer.certificate_number for officer in held.officers),
        checkout_sequence=machine.checkout_sequence,
        activity_id=None if held is None else held.activity_id,
        category=None if held is None else held.category,
        label=None if held is None else held.label,
        run=0 if session is None else session.run,
        marks=0 if session is None else session.marks,
        breaks=0 if session is None else session.breaks,
        pending_break=None if session is None or session.gap is None else session.gap.cause,
        chain_writable=chain_writable,
        refused_deliveries=refused_deliveries,
        standing_verdict=None if verdict is None else verdict.value,
        standing=check_statuses(standing),
    )
