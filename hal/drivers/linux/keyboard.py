"""Keys of a keyboard, or of any input device, as the recorder's buttons (DR-30, DR-31).

Rules of this module: reads the kernel's events, whose contacts are settled already; grabs nothing, so the keyboard goes
on typing. One worker; the sink is called on it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from hal.drivers.common.clock_kernel import CLOCK_MONOTONIC, monotonic_offset_ns
from hal.errors import TransientHardwareError
from hal.ports import ButtonSink, Clock
from hal.values import ButtonEdge, ButtonName
from hal.worker import Worker

log = logging.getLogger(__name__)

KEYS: Mapping[str, int] = {
    "camera": 212,
    "enter": 28,
    "f1": 59,
    "f2": 60,
    "f9": 67,
    "f10": 68,
    "play_pause": 164,
    "space": 57,
    "volume_down": 114,
    "volume_up": 115,
}
"""Codes of linux/input-event-codes.h for the keys that make sense here."""

EVENT = struct.Struct("llHHi")
"""struct input_event on 64 bit machines: seconds, microseconds, type, code, value."""
EV_KEY = 1
_EVIOCSCLOCKID = 0x400445A0
_RELEASED, _PRESSED = 0, 1
_READ_EVENTS = 64
_BEAT_MS = 500
_JOIN_SECONDS = 1.5
_SECOND_NS = 1_000_000_000


class KeyboardButtons:
    """`hal.ports.Buttons` on an input device.

    Args:
        clock: The unit's clock.
        device: The device, for example /dev/input/by-id/...-event-kbd.
        keys: Key code of each button.

    Raises:
        TransientHardwareError: The device does not open.
    """

    def __init__(self, clock: Clock, device: Path, keys: Mapping[ButtonName, int]) -> None:
        self._clock = clock
        self._buttons = {code: button for button, code in keys.items()}
        self._sink: ButtonSink | None = None
        try:
            self._descriptor = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise TransientHardwareError(
                f"keyboard {device} does not open: {error}; be in the group input, or give hal.options.keyboard = none"
            ) from error
        self._stamped = self._stamp_by_monotonic()
        self._worker = Worker("keyboard", clock, self._body)

    def start(self) -> None:
        """Begin to listen."""
        self._worker.start()

    def subscribe(self, sink: ButtonSink) -> None:
        """Report every edge from now on to `sink`."""
        self._sink = sink

    def fitted(self) -> Sequence[str]:
        """Values of `ButtonName` that have a key."""
        return [button.value for button in self._buttons.values()]

    def close(self) -> None:
        """Stop listening and give the device back. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            self._worker.request_stop()
            self._worker.join(_JOIN_SECONDS)
            os.close(descriptor)

    def _stamp_by_monotonic(self) -> bool:
        """Have the kernel stamp by a clock that never steps; says whether it will."""
        try:
            fcntl.ioctl(self._descriptor, _EVIOCSCLOCKID, struct.pack("i", CLOCK_MONOTONIC))
        except OSError as error:
            log.info("keyboard stamps by no clock of ours (%s); edges count from when they are read", error)
            return False
        return True

    def _body(self, worker: Worker) -> None:
        descriptor = self._descriptor
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while not worker.stop.is_set():
            worker.beat()
            if not poll.poll(_BEAT_MS):
                continue
            try:
                events = os.read(descriptor, _READ_EVENTS * EVENT.size)
            except OSError:
                log.exception("keyboard went away; plug it in and start again")
                return
            if not events:
                log.error("keyboard went away; plug it in and start again")
                return
            now_ns = self._clock.boottime_ns()
            for seconds, micros, kind, code, value in EVENT.iter_unpack(events):
                if kind == EV_KEY and value in {_RELEASED, _PRESSED} and code in self._buttons:
                    stamp_ns = seconds * _SECOND_NS + micros * 1000
                    at_ns = min(now_ns, stamp_ns + monotonic_offset_ns()) if self._stamped else now_ns
                    self._report(ButtonEdge(self._buttons[code], value == _PRESSED, at_ns))

    def _report(self, edge: ButtonEdge) -> None:
        if self._sink is not None:
            self._sink.edge(edge)


class NoButtons:
    """A machine without a button (`hal.ports.Buttons`): nothing can be recorded on it, but every part be tried."""

    def subscribe(self, sink: ButtonSink) -> None:
        """Never report anything."""

    def fitted(self) -> Sequence[str]:
        """None."""
        return ()
