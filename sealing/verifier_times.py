"""Both clocks, held against each other (step 13 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records that carry the chain on come here. Civil and monotonic time are disciplined
together, so that their difference changes by steps alone, and every step has to be a CLOCK record.
"""

from __future__ import annotations

from typing import Final

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import ClockStep

TOLERANCE_NS: Final = 2_000_000_000
"""Difference between two records that is no step: reading both clocks takes time, and leap seconds exist."""
DRIFT_PER_MILLION: Final = 1_000
"""Difference in rate that is no step: what the kernel's discipline may do at most."""
_MILLION: Final = 1_000_000


class Times:
    """Follows both clocks.

    Args:
        findings: Where faults go.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._last: RecordHeader | None = None

    def record(self, header: RecordHeader, place: Place) -> None:
        """Check a record's times against those of the record before."""
        last, self._last = self._last, header
        if last is None or last.boot_number != header.boot_number:
            return
        passed = header.boottime_ns - last.boottime_ns
        if passed < 0:
            detail = f"monotonic time goes back by {-passed / 1e9:.3f} s inside one run of the agent"
            self._findings.add(Code.CLOCK_INCONSISTENT, place, detail)
            return
        step = header.body.step_ns if isinstance(header.body, ClockStep) else 0
        strange = header.utc_ns - last.utc_ns - passed - step
        if abs(strange) > TOLERANCE_NS + passed * DRIFT_PER_MILLION // _MILLION:
            detail = f"civil time moves by {strange / 1e9:+.3f} s against monotonic time, and no CLOCK record says why"
            self._findings.add(Code.CLOCK_INCONSISTENT, place, detail)
