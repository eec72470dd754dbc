"""DR-34, DR-36: heat and power of the board, and what its clock is held against."""

# ruff: noqa: S101, PLR2004 -- assert is how a test speaks, and expected values are literals

from __future__ import annotations

from hal.conformance.rig import Fate, Rig, RigConformance
from hal.ports import Hardware

_SECOND_NS = 1_000_000_000


class HeatConformance(RigConformance):
    """What the board says of itself."""

    def test_heat_is_a_possible_figure_or_unknown(self, hardware: Hardware) -> None:
        """DR-34: asked again and again it raises nothing and holds nobody."""
        begun_ns = hardware.clock.boottime_ns()
        readings = [hardware.heat.read() for _ in range(10)]
        assert hardware.clock.boottime_ns() - begun_ns < _SECOND_NS
        for reading in readings:
            assert reading.temperature_celsius is None or -40 < reading.temperature_celsius < 125

    def test_what_civil_time_is_held_against_is_a_figure_or_unknown(self, hardware: Hardware) -> None:
        """DR-36: asked again and again it raises nothing; no clock is a century off."""
        for found in [hardware.clock_check.read() for _ in range(10)]:
            for figure_ns in (found.rtc_difference_ns, found.kernel_offset_ns):
                assert figure_ns is None or abs(figure_ns) < 100 * 366 * 86_400 * _SECOND_NS

    def test_a_hot_board_says_so(self, rig: Rig, hardware: Hardware) -> None:
        """DR-34: the temperature that is, and that the board slows itself down."""
        cool = hardware.heat.read()
        rig.do(Fate.HEAT)
        hot = hardware.heat.read()
        assert cool.temperature_celsius is None or cool.temperature_celsius < 80
        assert not cool.throttled
        assert hot.temperature_celsius is not None
        assert abs(hot.temperature_celsius - 85) < 1
        assert hot.throttled
