"""`recorder doctor`: every part tried by use, one after the other.

Rules of this module: the order of the trials, and the parts that need no more than a question. It has the hardware for
itself: no agent runs meanwhile. It records nothing and touches no sealed file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from agent.doctor_battery import BatteryCurve
from agent.doctor_medium import try_storage
from agent.doctor_senses import try_camera, try_sound
from agent.doctor_values import PARTS, Diagnosis, Finding, Outcome
from hal.errors import HardwareError, PermanentHardwareError
from hal.ports import Hardware
from hal.values import ButtonEdge, LampColour, LampPattern, TimeSource, VibrationPattern

_LAMP_SECONDS: Final = 0.5
_PRESS_SECONDS: Final = 10.0
_UNCERTAIN_NS: Final = 1_000_000_000

Progress = Callable[[str], None]
Trial = Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How thorough the doctor is to be."""

    write_seconds: int
    """Seconds of recording to be written to the medium, at least 1."""
    press_buttons: bool = False
    """Whether a person stands by who presses every button when asked."""


def examine(
    hardware: Hardware, device_id: str, wishes: Wishes, try_key: Trial, try_store: Trial, progress: Progress
) -> Diagnosis:
    """Try every part.

    Args:
        hardware: Open, and nobody else's; the calling thread takes part in its clock.
        device_id: Whose it is.
        wishes: How thorough.
        try_key: Signs something with the unit's key.
        try_store: Asks the agency's store.
        progress: Told the code of each part before it is tried.

    Returns:
        One finding for each of `agent.doctor_values.PARTS`, in their order.
    """
    findings: list[Finding] = []
    curve = BatteryCurve(hardware)

    def take(part: str, trial: Trial) -> None:
        progress(part)
        curve.note()
        findings.append(trial())

    take("key", try_key)
    take("clock", lambda: try_clock(hardware))
    progress("camera")
    curve.note()
    camera, picture = try_camera(hardware, curve.note)
    progress("microphone")
    curve.note()
    findings += [camera, *try_sound(hardware)]
    take("lamps", lambda: try_lamps(hardware))
    take("vibration", lambda: try_vibration(hardware))
    take("buttons", lambda: try_buttons(hardware, wishes, progress))
    take("dock", lambda: try_dock(hardware))
    take("storage", lambda: try_storage(hardware, wishes.write_seconds))
    take("store", try_store)
    progress("battery")
    curve.note()
    findings.append(curve.finding())
    ordered = sorted(findings, key=lambda found: list(PARTS).index(found.part))
    return Diagnosis(device_id, hardware.driver_set, tuple(ordered), picture, curve.points)


def try_clock(hardware: Hardware) -> Finding:
    """See whether anything vouches for the time."""
    reading = hardware.clock.read()
    if reading.source is TimeSource.UNSET or reading.uncertainty_ns < 0:
        return Finding("clock", Outcome.FAIL, "nothing vouches for the time")
    figure = f"{reading.source.value}, ±{reading.uncertainty_ns / 1e9:.3f} s"
    return Finding("clock", Outcome.DEGRADED if reading.uncertainty_ns > _UNCERTAIN_NS else Outcome.PASS, figure)


def try_lamps(hardware: Hardware) -> Finding:
    """Show every colour; only a person can say whether it shone, so the figure names them."""
    colours = [colour for colour in LampColour if colour is not LampColour.OFF]
    try:
        for colour in colours:
            hardware.indicators.show(LampPattern(colour, meaning="doctor"))
            hardware.clock.wait(hardware.clock.signal(), _LAMP_SECONDS)
        hardware.indicators.show(LampPattern(LampColour.OFF, meaning="doctor"))
    except PermanentHardwareError as error:
        return Finding("lamps", Outcome.SKIPPED, str(error))
    except HardwareError as error:
        return Finding("lamps", Outcome.FAIL, str(error))
    return Finding("lamps", Outcome.PASS, f"shown: {', '.join(colour.value for colour in colours)}")


def try_vibration(hardware: Hardware) -> Finding:
    """Let the motor run once."""
    try:
        hardware.vibration.pulse(VibrationPattern((300,), "doctor"))
    except PermanentHardwareError as error:
        return Finding("vibration", Outcome.SKIPPED, str(error))
    except HardwareError as error:
        return Finding("vibration", Outcome.FAIL, str(error))
    return Finding("vibration", Outcome.PASS, "ran for 0.3 s")


class _Presses:
    """Remembers who was pressed; called on the driver's thread."""

    def __init__(self, hardware: Hardware) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._any = hardware.clock.signal()
        self._clock = hardware.clock

    def edge(self, edge: ButtonEdge) -> None:
        """Take an edge."""
        if edge.pressed:
            with self._lock:
                self._seen.add(edge.button.value)
            self._any.set()

    def wait_for(self, button: str) -> bool:
        """Whether a button was pressed in time."""
        until_ns = self._clock.boottime_ns() + round(_PRESS_SECONDS * 1e9)
        while not self._has(button):
            left_seconds = (until_ns - self._clock.boottime_ns()) / 1e9
            if left_seconds <= 0 or not self._clock.wait(self._any, left_seconds):
                return self._has(button)
            self._any.clear()
        return True

    def _has(self, button: str) -> bool:
        with self._lock:
            return button in self._seen


def try_buttons(hardware: Hardware, wishes: Wishes, progress: Progress) -> Finding:
    """Ask for every button to be pressed, where somebody stands by; else say which there are."""
    fitted = tuple(hardware.buttons.fitted())
    if "record" not in fitted:
        return Finding("buttons", Outcome.FAIL, f"no record button; fitted: {', '.join(fitted) or 'none'}")
    if not wishes.press_buttons:
        return Finding("buttons", Outcome.SKIPPED, f"fitted: {', '.join(fitted)}; try them with --buttons")
    presses = _Presses(hardware)
    hardware.buttons.subscribe(presses)
    silent = [button for button in _asked(fitted, progress) if not presses.wait_for(button)]
    if silent:
        return Finding("buttons", Outcome.FAIL, f"not felt within {_PRESS_SECONDS:g} s: {', '.join(silent)}")
    return Finding("buttons", Outcome.PASS, f"felt: {', '.join(fitted)}")


def _asked(fitted: tuple[str, ...], progress: Progress) -> Iterator[str]:
    for button in fitted:
        progress(f"press:{button}")
        yield button


def try_dock(hardware: Hardware) -> Finding:
    """Read the sense line."""
    try:
        docked = hardware.dock.read().docked
    except HardwareError as error:
        return Finding("dock", Outcome.FAIL, str(error))
    return Finding("dock", Outcome.PASS, "docked" if docked else "not docked")
