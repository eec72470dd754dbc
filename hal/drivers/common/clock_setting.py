"""Moving the system's civil time: for the one command that may, never for the agent.

Rules of this module: one step, by whoever has CAP_SYS_TIME; what watches the clock notices it as any other step.
"""

from __future__ import annotations

import time


def move_civil_time(step_ns: int) -> None:
    """Set CLOCK_REALTIME to what it says now and `step_ns` more. Raises PermissionError, OSError."""
    time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME) + step_ns)
