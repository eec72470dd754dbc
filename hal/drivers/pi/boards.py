"""Boards that a unit may be built on, as data: pins, gauges, sound cards.

Rules of this module: values only. Every one of them can be overridden by an option; a board is a good set of defaults.
GPIO numbers are Broadcom's, as on every pinout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hal.drivers.common.batteries import Gauge
from hal.drivers.common.gauges import Ina219Wiring


@dataclass(frozen=True, slots=True)
class Board:
    """What is wired where; None: not wired."""

    record_pin: int | None = 17
    mark_pin: int | None = 27
    buttons_active_low: bool = True
    """Buttons to ground, with the pin's own pull-up."""
    red_pin: int | None = 5
    green_pin: int | None = 6
    blue_pin: int | None = 13
    lamps_active_high: bool = True
    vibration_pin: int | None = 19
    dock_pin: int | None = 26
    dock_active_low: bool = True
    gauge: Gauge = Gauge.KERNEL
    max1704x_address: int = 0x36
    ina219: Ina219Wiring = Ina219Wiring(0x40)  # noqa: RUF009 -- frozen, shared on purpose
    microphone: str = "default"
    speaker: str = "default"


BOARDS: Mapping[str, Board] = {
    # A Pi with buttons, lamp and motor wired to the header, USB or I2S sound, and a battery that the kernel knows.
    "plain": Board(),
    # Geekworm X120x UPS: MAX17043-family gauge; GPIO 6 tells of the mains and GPIO 16 holds off charging.
    "geekworm-x120x": Board(green_pin=12, dock_pin=6, dock_active_low=False, gauge=Gauge.MAX1704X),
    # Waveshare UPS HAT: two cells behind an INA219 at 0x42.
    "waveshare-ups-hat": Board(gauge=Gauge.INA219, ina219=Ina219Wiring(0x42, cells=2, shunt_mohm=100.0)),
    # Waveshare UPS HAT (C), for the Zero: one cell behind an INA219 at 0x43, 10 mΩ shunt.
    "waveshare-ups-hat-c": Board(gauge=Gauge.INA219, ina219=Ina219Wiring(0x43, cells=1, shunt_mohm=10.0)),
    # PiSugar 2 and 3: through pisugar-server.
    "pisugar": Board(gauge=Gauge.PISUGAR),
    # Nothing wired but one button: a camera on a desk.
    "desk": Board(
        mark_pin=None,
        red_pin=None,
        green_pin=None,
        blue_pin=None,
        vibration_pin=None,
        dock_pin=None,
        gauge=Gauge.NONE,
    ),
}
