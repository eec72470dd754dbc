"""What chrony says of its tracking, for `doctor`: the agent's own judgement rests on the kernel's bound.

Rules of this module: parses; runs chronyc only when asked. The agent's sandbox has no network family, so the daemon
itself never calls it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from hal.errors import TransientHardwareError

_FIELDS = 14
_LIMIT_SECONDS = 3.0
_NORMAL_LEAPS = frozenset({"Normal", "Insert second", "Delete second"})


@dataclass(frozen=True, slots=True)
class Tracking:
    """`chronyc -c tracking`, as far as it is of use."""

    server: str
    stratum: int
    updated_utc_seconds: float
    """Civil time of the last measurement; 0 when there was none."""
    offset_seconds: float
    """System time less true time, positive when the system is fast."""
    bound_seconds: float
    """Largest error: offset, half the root delay and the root dispersion together."""
    synchronised: bool


def parse_tracking(line: str) -> Tracking:
    """Read the one line of `chronyc -c tracking`.

    Raises:
        TransientHardwareError: It is not such a line.
    """
    fields = line.strip().split(",")
    if len(fields) != _FIELDS:
        raise TransientHardwareError(f"chronyc gave {len(fields)} fields, not {_FIELDS}: {line.strip()!r}")
    try:
        stratum, updated = int(fields[2]), float(fields[3])
        offset, delay, dispersion = float(fields[4]), float(fields[10]), float(fields[11])
    except ValueError as error:
        raise TransientHardwareError(f"chronyc gave no figures: {line.strip()!r}") from error
    bound = abs(offset) + delay / 2 + dispersion
    return Tracking(fields[1], stratum, updated, offset, bound, fields[13] in _NORMAL_LEAPS and stratum > 0)


def read_tracking(program: str = "chronyc") -> Tracking:
    """Ask chrony. Up to 3 s.

    Raises:
        TransientHardwareError: chrony is not installed, not running or not answering.
    """
    try:
        done = subprocess.run(
            [program, "-c", "tracking"], capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TransientHardwareError(f"chrony does not answer: {error}; is chronyd running?") from error
    return parse_tracking(done.stdout)
