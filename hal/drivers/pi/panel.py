"""Buttons, lamps, vibration and dock on GPIO lines (DR-30 to DR-33).

Rules of this module: what is not wired is not fitted, and says so; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hal.drivers.common.debounce import Change
from hal.drivers.common.patterns import PatternPlayer, Step
from hal.drivers.pi.lines import InputLine
from hal.errors import PermanentHardwareError
from hal.ports import ButtonSink, Clock
from hal.values import ButtonEdge, ButtonName, DockReading, LampColour, LampPattern, VibrationPattern

if TYPE_CHECKING:
    from gpiozero.pins import Factory

RED, GREEN, BLUE = "red", "green", "blue"
_MIXED: Mapping[LampColour, frozenset[str]] = {
    LampColour.OFF: frozenset(),
    LampColour.GREEN: frozenset({GREEN}),
    LampColour.YELLOW: frozenset({RED, GREEN}),
    LampColour.RED: frozenset({RED}),
    LampColour.BLUE: frozenset({BLUE}),
}
_STEADY_MS = 60_000


class GpioButtons:
    """`hal.ports.Buttons`.

    Args:
        lines: The line of each button.
    """

    def __init__(self, lines: Mapping[ButtonName, InputLine]) -> None:
        self._sink: ButtonSink | None = None
        self._names = [button.value for button in lines]
        for button, line in lines.items():
            line.on_change = _Reporter(self, button)

    def subscribe(self, sink: ButtonSink) -> None:
        """Report every edge from now on to `sink`."""
        self._sink = sink

    def fitted(self) -> Sequence[str]:
        """Values of `ButtonName` that are wired."""
        return list(self._names)

    def report(self, edge: ButtonEdge) -> None:
        """Pass an edge on. On the panel's thread."""
        if self._sink is not None:
            self._sink.edge(edge)


class _Reporter:
    def __init__(self, buttons: GpioButtons, button: ButtonName) -> None:
        self._buttons, self._button = buttons, button

    def __call__(self, change: Change) -> None:
        self._buttons.report(ButtonEdge(self._button, change.active, change.at_boottime_ns))


class _Outputs:
    """Output lines by name."""

    def __init__(self, factory: Factory, pins: Mapping[str, int], *, active_high: bool) -> None:
        from gpiozero import DigitalOutputDevice

        self._devices = {
            name: DigitalOutputDevice(pin, active_high=active_high, pin_factory=factory) for name, pin in pins.items()
        }

    def set(self, active: frozenset[str]) -> None:
        for name, device in self._devices.items():
            device.value = int(name in active)

    def close(self) -> None:
        for device in self._devices.values():
            device.close()


class GpioLamps:
    """`hal.ports.Indicators`: a lamp mixed of up to three colours.

    Args:
        factory: The pin factory.
        clock: The unit's clock.
        pins: GPIO number of each colour that is wired, of `red`, `green` and `blue`.
        active_high: Whether a high level lights it.
    """

    def __init__(self, factory: Factory, clock: Clock, pins: Mapping[str, int], *, active_high: bool) -> None:
        self._wired = frozenset(pins)
        self._outputs = _Outputs(factory, pins, active_high=active_high)
        self._player = PatternPlayer("lamp", clock, self._outputs.set, frozenset[str]())
        self._player.start()

    def show(self, pattern: LampPattern) -> None:
        """Show `pattern` until the next call. Never blocks.

        Raises:
            PermanentHardwareError: None of the colour's lamps is fitted.
        """
        wanted = _MIXED[pattern.colour]
        lit = wanted & self._wired
        if not self._wired or (wanted and not lit):
            raise PermanentHardwareError(f"no lamp can show {pattern.colour.value}; name its pins in hal.options")
        if pattern.off_ms > 0:
            steps = [Step(lit, pattern.on_ms), Step(frozenset[str](), pattern.off_ms)]
        else:
            steps = [Step(lit, _STEADY_MS)]
        self._player.play(steps, repeat=True)

    def close(self) -> None:
        """Turn it off and give the pins back."""
        self._player.close()
        self._outputs.close()


class GpioVibration:
    """`hal.ports.Vibration`.

    Args:
        factory: The pin factory.
        clock: The unit's clock.
        pin: GPIO number that switches the motor.
    """

    def __init__(self, factory: Factory, clock: Clock, pin: int) -> None:
        self._outputs = _Outputs(factory, {"motor": pin}, active_high=True)
        self._player = PatternPlayer("vibration", clock, self._outputs.set, frozenset[str]())
        self._player.start()

    def pulse(self, pattern: VibrationPattern) -> None:
        """Start the pattern and return at once."""
        states = (frozenset({"motor"}), frozenset[str]())
        steps = [Step(states[place % 2], ms) for place, ms in enumerate(pattern.on_off_ms)]
        self._player.play(steps, repeat=False)

    def close(self) -> None:
        """Stop the motor and give the pin back."""
        self._player.close()
        self._outputs.close()


class GpioDock:
    """`hal.ports.Dock` on a sense line.

    Args:
        line: The line.
    """

    def __init__(self, line: InputLine) -> None:
        self._reading = DockReading(line.active, 0)
        line.on_change = self._changed

    def read(self) -> DockReading:
        """Give the settled level and the time of its last change."""
        return self._reading

    def _changed(self, change: Change) -> None:
        self._reading = DockReading(change.active, change.at_boottime_ns)
