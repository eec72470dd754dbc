"""The options of the driver set `pi` (DR-2).

Rules of this module: reads and checks; opens nothing. A board gives the defaults, an option overrides one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hal.drivers.common import pisugar
from hal.drivers.common.batteries import Gauge, GaugeFacts
from hal.drivers.common.options import Option, OptionReader
from hal.drivers.pi.boards import BOARDS, Board
from hal.errors import DriverSetError
from hal.values import ButtonName

NAME = "pi"
_ADDRESS_LOW, _ADDRESS_HIGH = 0x03, 0x77


@dataclass(frozen=True, slots=True)
class PiOptions:
    """Everything that can be said of a unit beforehand."""

    board: Board
    gauge: GaugeFacts
    camera: int
    """Number of the camera, as libcamera lists them."""
    pixel_format: str
    rtc: Path
    rtc_error_seconds: float
    smart_report: Path | None

    @property
    def buttons(self) -> Mapping[ButtonName, int]:
        """Pin of each button that is wired."""
        pins = {ButtonName.RECORD: self.board.record_pin, ButtonName.MARK: self.board.mark_pin}
        return {button: pin for button, pin in pins.items() if pin is not None}

    @property
    def lamps(self) -> Mapping[str, int]:
        """Pin of each colour that is wired."""
        pins = {"red": self.board.red_pin, "green": self.board.green_pin, "blue": self.board.blue_pin}
        return {colour: pin for colour, pin in pins.items() if pin is not None}


def read_options(given: Mapping[str, Option]) -> PiOptions:
    """Check and read options.

    Raises:
        DriverSetError: One is unknown or wrong, two lines share a pin, or there is no record button.
    """
    reader = OptionReader(NAME, given)
    board = _read_board(reader, reader.one_of("board", BOARDS, "plain"))
    report = reader.text("smart_report", "none")
    options = PiOptions(
        board,
        _read_gauge(reader, board),
        reader.whole("camera", 0, 0, 7) or 0,
        reader.one_of("pixel_format", {"YUV420": "YUV420", "NV12": "NV12"}, "YUV420"),
        Path(reader.text("rtc", "/sys/class/rtc/rtc0")),
        reader.number("rtc_error_seconds", 30.0, 0, 86_400),
        None if report == "none" else Path(report),
    )
    reader.finish()
    _require_sense(options)
    return options


def _read_board(reader: OptionReader, board: Board) -> Board:
    return replace(
        board,
        record_pin=reader.pin("record_pin", board.record_pin),
        mark_pin=reader.pin("mark_pin", board.mark_pin),
        buttons_active_low=reader.flag("buttons_active_low", default=board.buttons_active_low),
        red_pin=reader.pin("red_pin", board.red_pin),
        green_pin=reader.pin("green_pin", board.green_pin),
        blue_pin=reader.pin("blue_pin", board.blue_pin),
        lamps_active_high=reader.flag("lamps_active_high", default=board.lamps_active_high),
        vibration_pin=reader.pin("vibration_pin", board.vibration_pin),
        dock_pin=reader.pin("dock_pin", board.dock_pin),
        dock_active_low=reader.flag("dock_active_low", default=board.dock_active_low),
        microphone=reader.text("microphone", board.microphone),
        speaker=reader.text("speaker", board.speaker),
    )


def _read_gauge(reader: OptionReader, board: Board) -> GaugeFacts:
    gauges = {gauge.value: gauge for gauge in Gauge}
    capacity_mwh = reader.number("battery_mwh", 0, 0, 1e6)
    wiring = replace(
        board.ina219,
        address=_address(reader, "ina219_address", board.ina219.address),
        cells=reader.whole("battery_cells", board.ina219.cells, 1, 8) or 1,
        shunt_mohm=reader.number("shunt_mohm", board.ina219.shunt_mohm, 0.1, 1000),
    )
    return GaugeFacts(
        reader.one_of("gauge", gauges, board.gauge.value),
        capacity_mwh or None,
        reader.whole("i2c_bus", 1, 0, 255) or 0,
        _address(reader, "max1704x_address", board.max1704x_address),
        wiring,
        Path(reader.text("pisugar_socket", str(pisugar.SOCKET))),
    )


def _address(reader: OptionReader, name: str, default: int) -> int:
    return reader.whole(name, default, _ADDRESS_LOW, _ADDRESS_HIGH) or default


def _require_sense(options: PiOptions) -> None:
    board = options.board
    if board.record_pin is None:
        raise DriverSetError("hal.options.record_pin = -1: a unit without a record button cannot record; name its pin")
    pins = [*options.buttons.values(), *options.lamps.values(), board.vibration_pin, board.dock_pin]
    wired = [pin for pin in pins if pin is not None]
    twice = sorted({pin for pin in wired if wired.count(pin) > 1})
    if twice:
        raise DriverSetError(f"hal.options: GPIO {twice[0]} is given to two parts; move one of them, or give it -1")
