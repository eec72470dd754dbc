"""A gauge that may hang, held to a limit (DR-9).

Rules of this module: whoever asks the gauge also looks after camera, medium and the officers' words; a bus that hangs
must never keep that thread, nor the verdict of a check.
"""

from __future__ import annotations

import threading

from hal.drivers.common.guarded import GuardedCall
from hal.errors import TransientHardwareError
from hal.ports import Battery, Clock
from hal.values import BatteryReading

LIMIT_SECONDS = 0.2
"""A gauge answers within milliseconds; the checks' verdict is due 0.3 s after it was asked."""


class GuardedBattery:
    """A battery whose gauge is asked on a thread of its own (`hal.ports.Battery`).

    Args:
        battery: The gauge.
        clock: The clock by which the limit runs.
        limit_seconds: How long an answer is waited for.
    """

    def __init__(self, battery: Battery, clock: Clock, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._battery = battery
        self._clock = clock
        self._limit_seconds = limit_seconds
        self._asking = threading.Lock()
        self._call: GuardedCall[BatteryReading] | None = None

    def read(self) -> BatteryReading:
        """Ask the gauge; back within the limit.

        Raises:
            TransientHardwareError: It did not answer in time, or has still not come back from before.
            HardwareError: As the gauge says.
        """
        with self._asking:
            if self._call is not None and self._call.running:
                raise TransientHardwareError("battery gauge: still hangs since it was asked before; check its bus")
            self._call = GuardedCall("gauge", self._clock, self._battery.read)
            return self._call.run(self._limit_seconds)
