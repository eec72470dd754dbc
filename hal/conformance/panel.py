"""DR-30 to DR-33: buttons, lamps, vibration and dock."""

# ruff: noqa: S101 -- assert is how a test speaks, and expected values are literals

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from hal.conformance.rig import Fate, Rig, RigConformance
from hal.errors import PermanentHardwareError
from hal.ports import Hardware
from hal.values import ButtonEdge, ButtonName, LampColour, LampPattern, VibrationPattern

_SECOND_NS = 1_000_000_000


@dataclass
class Edges:
    """A sink that keeps everything."""

    kept: list[ButtonEdge] = field(default_factory=list)

    def edge(self, edge: ButtonEdge) -> None:
        """Keep an edge."""
        self.kept.append(edge)


class PanelConformance(RigConformance):
    """What an officer touches and sees."""

    def test_fitted_buttons_have_known_names(self, hardware: Hardware) -> None:
        """DR-30: a subset of `ButtonName`, the record button at least."""
        fitted = list(hardware.buttons.fitted())
        assert ButtonName.RECORD.value in fitted
        assert {ButtonName(name) for name in fitted} <= set(ButtonName)
        assert len(set(fitted)) == len(fitted)

    def test_a_press_is_two_edges_for_the_last_listener(self, rig: Rig, hardware: Hardware) -> None:
        """DR-31: debounced, stamped with the first contact, and only for who subscribed last."""
        before, after = Edges(), Edges()
        hardware.buttons.subscribe(before)
        hardware.buttons.subscribe(after)
        begun_ns = hardware.clock.boottime_ns()
        rig.do(Fate.PRESS_RECORD)
        rig.pass_time(1.0)
        assert before.kept == []
        assert [(edge.button, edge.pressed) for edge in after.kept] == [
            (ButtonName.RECORD, True),
            (ButtonName.RECORD, False),
        ]
        times = [begun_ns, *(edge.at_boottime_ns for edge in after.kept), hardware.clock.boottime_ns()]
        assert times == sorted(times)

    def test_lamps_and_vibration_return_at_once(self, hardware: Hardware) -> None:
        """DR-32: every colour, steady and blinking, every pulse, without blocking; or none is fitted."""
        begun_ns = hardware.clock.boottime_ns()
        with suppress(PermanentHardwareError):
            for colour in LampColour:
                for off_ms in (0, 500):
                    hardware.indicators.show(LampPattern(colour, 500, off_ms))
        with suppress(PermanentHardwareError):
            for pulses in ((80,), (80, 60, 80), (400, 100, 400, 100, 400)):
                hardware.vibration.pulse(VibrationPattern(pulses))
        assert hardware.clock.boottime_ns() - begun_ns < 0.5 * _SECOND_NS

    def test_the_dock_is_seen(self, rig: Rig, hardware: Hardware) -> None:
        """DR-33: the line and the time of its last change."""
        rig.do(Fate.UNDOCK)
        rig.pass_time(0.5)
        assert not hardware.dock.read().docked
        begun_ns = hardware.clock.boottime_ns()
        rig.do(Fate.DOCK)
        rig.pass_time(0.5)
        reading = hardware.dock.read()
        assert reading.docked
        assert begun_ns <= reading.changed_boottime_ns <= hardware.clock.boottime_ns()
