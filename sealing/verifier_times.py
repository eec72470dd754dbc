"""Both clocks, held against each other (step 13 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records that carry the chain on come here. Civil and monotonic time are disciplined
together, so that their difference changes by steps alone, and every step has to be a CLOCK record. Other records may
come between the step and its CLOCK: whoever watches the clock looks at it now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import ClockStep

TOLERANCE_NS: Final = 2_000_000_000
"""Difference that is no step: reading both clocks takes time, and leap seconds exist."""
DRIFT_PER_MILLION: Final = 1_000
"""Difference in rate that is no step: what the kernel's discipline may do at most."""
CLOCK_RECORD_WITHIN_NS: Final = 60_000_000_000
"""Monotonic time within which a step has to be sealed as CLOCK."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that no CLOCK accounts for yet."""

    place: Place
    boottime_ns: int
    step_ns: int


class Times:
    """Follows both clocks.

    Args:
        findings: Where faults go.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._last: RecordHeader | None = None
        self._offset_ns = 0
        """What civil minus monotonic time should be now."""
        self._step: _Step | None = None

    def record(self, header: RecordHeader, place: Place) -> None:
        """Check a record's times against those of the records before."""
        last, self._last = self._last, header
        if last is None or last.boot_number != header.boot_number:
            self.settle()
            self._offset_ns = header.utc_ns - header.boottime_ns
            return
        passed = header.boottime_ns - last.boottime_ns
        if passed < 0:
            detail = f"monotonic time goes back by {-passed / 1e9:.3f} s inside one run of the agent"
            self._findings.add(Code.CLOCK_INCONSISTENT, place, detail)
            passed = 0
        if isinstance(header.body, ClockStep):
            self._offset_ns += header.body.step_ns
        self._compare(header, place, passed * DRIFT_PER_MILLION // _MILLION)

    def _compare(self, header: RecordHeader, place: Place, drift_ns: int) -> None:
        strange = header.utc_ns - header.boottime_ns - self._offset_ns
        if abs(strange) <= TOLERANCE_NS + drift_ns:
            self._step = None
            # Drift is followed, as far as it can be drift: many small steps do not pass for it.
            self._offset_ns += min(max(strange, -drift_ns), drift_ns)
        elif self._step is None:
            self._step = _Step(place, header.boottime_ns, strange)
        elif header.boottime_ns - self._step.boottime_ns > CLOCK_RECORD_WITHIN_NS:
            self._tell(Code.CLOCK_INCONSISTENT, self._step)
            self._offset_ns += strange

    def settle(self) -> None:
        """Judge a step right before the end of a run of the agent, which may have had no time to seal it."""
        if self._step is not None:
            self._tell(Code.CLOCK_WRONG, self._step)

    def _tell(self, code: Code, step: _Step) -> None:
        self._step = None
        detail = f"civil time moves by {step.step_ns / 1e9:+.3f} s against monotonic time, and no CLOCK record says why"
        self._findings.add(code, step.place, detail)
