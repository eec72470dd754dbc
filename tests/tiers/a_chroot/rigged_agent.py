"""`recorder-agent` as it is shipped, on a machine that lacks its camera and its lines, with hands that reach them.

`python -m tests.tiers.a_chroot.rigged_agent --config FILE`: everything is the daemon's own but what `PiParts` is made
for, the camera's factory and the pins'. Orders come as lines of JSON on stdin, each is answered by one on stdout; the
last line tells which threads the daemon left behind.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from pathlib import Path

from gpiozero.pins.mock import MockFactory, MockPWMPin

import tests.tiers.a_chroot.no_preview  # noqa: F401 -- before anybody imports picamera2
from agent.daemon_main import main
from hal.drivers.common.clock_unit import UnitClock
from hal.drivers.pi import driver_set as shipped
from hal.drivers.pi.picamera import PicameraSession
from hal.worker import Worker
from tests.tiers.a_chroot.bench_unit import RECORD_PIN
from tests.tiers.a_chroot.virtual_camera import VirtualCamera

Answer = object
_LOOK_SECONDS = 0.2
_JOIN_SECONDS = 20.0
_HANG_SECONDS = 120.0


class Hands:
    """What happens to the unit from outside."""

    def __init__(self) -> None:
        self._clock = UnitClock()
        self.camera = VirtualCamera(self._clock)
        self.pins = MockFactory(pin_class=MockPWMPin)
        self._free = self._clock.signal()
        self.worker = Worker("hands", self._clock, self._listen)

    def press(self, seconds: float) -> Answer:
        """Hold the record button down for so long; tells when."""
        pin = self.pins.pin(RECORD_PIN)
        pressed_ns = self._clock.boottime_ns()
        pin.drive_low()
        self._clock.wait(self._clock.signal(), seconds)
        pin.drive_high()
        return pressed_ns

    def stall(self) -> Answer:
        """Let the sensor stop without a word; opened anew it works again."""
        self.camera.sensor.stalled = True
        return self.camera.sensor.given

    def unplug(self) -> None:
        """Pull the camera's cable."""
        self.camera.unplug()

    def plug(self) -> None:
        """Put it back."""
        self.camera.plug()

    def hang(self) -> None:
        """Let the sensor stop, and libcamera's `stop` never come back until `let_go`."""
        sensor, stop = self.camera.sensor, self.camera.sensor.stop

        def hanging_stop() -> object:
            self._clock.wait(self._free, _HANG_SECONDS)
            return stop()

        self._free.clear()
        sensor.stop = hanging_stop  # type: ignore[method-assign]
        self.stall()

    def let_go(self) -> None:
        """Let what hangs end."""
        self._free.set()

    def threads(self) -> Answer:
        """Names of all threads, and how many the kernel counts."""
        names = sorted(thread.name for thread in threading.enumerate() if thread.name != self.worker.name)
        return {"names": names, "tasks": len(list(Path("/proc/self/task").iterdir()))}

    def frames(self) -> Answer:
        """CLOCK_BOOTTIME of each frame that was given, for each start of the camera; and what was missed."""
        return {"given_ns": self.camera.given_ns, "missed": self.camera.missed}

    def _listen(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            if not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
                continue
            line = sys.stdin.readline()
            if not line:
                # Whoever ordered is gone: nobody would ever end this daemon.
                os.kill(os.getpid(), signal.SIGKILL)
            order, *arguments = json.loads(line)
            _tell(getattr(self, order)(*arguments))


def _tell(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def run() -> None:
    hands = Hands()
    parts = shipped.PiParts(
        camera=lambda options: lambda: PicameraSession(hands.camera.open, options.pixel_format),
        pins=lambda: hands.pins,
    )
    shipped.driver_set = lambda: shipped.PiDriverSet(parts)
    hands.worker.start()
    try:
        main()
    finally:
        _tell(hands.frames())
        hands.worker.request_stop()
        hands.worker.join(_JOIN_SECONDS)
        _tell(hands.threads())


if __name__ == "__main__":
    run()
