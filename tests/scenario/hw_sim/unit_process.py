"""A process that lives on a simulated unit: films, writes and syncs until it is ended or killed.

Usage: unit_process.py SPOOL SCENARIO
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from hal.mailbox import Mailbox
from hal.ports import Hardware
from hal.registry import load_driver_set
from hal.values import ButtonEdge, CameraSettings, EncodedFrame, LampColour, LampPattern


class Filming:
    """Keeps what the camera gives, and wakes the main thread."""

    def __init__(self, hardware: Hardware) -> None:
        self.box = Mailbox[bytes](hardware.clock, 1_000)

    def frame(self, frame: EncodedFrame) -> None:
        self.box.put(frame.captured_boottime_ns.to_bytes(8, "big"))

    def fault(self, reason: str) -> None:
        """Nobody pulls a cable here."""

    def edge(self, edge: ButtonEdge) -> None:
        """Nobody acts on a press here."""


def main(spool: str, scenario: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    drivers = load_driver_set("sim")
    hardware = drivers.open({"scenario": scenario, "speed": "max", "width": 64, "height": 48}, spool)
    ended = hardware.clock.signal()

    def await_the_end() -> None:
        # A handler would run in the middle of whatever the main thread does, a wait of the clock included.
        signal.sigwait({signal.SIGTERM})
        ended.set()

    threading.Thread(target=await_the_end, name="awaits-sigterm", daemon=True).start()
    sys.stdout.write(f"{hardware.clock.boottime_ns()} {hardware.clock.read().boot_id}\n")
    sys.stdout.flush()
    with hardware.clock.participate():
        filming = Filming(hardware)
        hardware.camera.start(CameraSettings(), filming)
        hardware.buttons.subscribe(filming)
        file = hardware.storage.create(f"{len(hardware.storage.names()):08d}.evs")
        hardware.indicators.show(LampPattern(LampColour.GREEN, meaning="filming"))
        while not ended.is_set():
            stamp = filming.box.get(0.1)
            if stamp is not None:
                file.append(stamp)
                file.sync()
        hardware.camera.stop()
        file.close()
    drivers.close()


if __name__ == "__main__":
    main(sys.argv[1], str(Path(sys.argv[2])))
