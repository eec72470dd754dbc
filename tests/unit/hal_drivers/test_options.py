"""Options of the driver sets: what is refused, with which words, and what a board stands for."""

from __future__ import annotations

import pytest

from hal.drivers.common.batteries import Gauge
from hal.drivers.common.options import Option
from hal.drivers.linux import driver_set as linux
from hal.drivers.pi.boards import BOARDS
from hal.drivers.pi.options import read_options
from hal.errors import DriverSetError
from hal.values import ButtonName


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bord": "plain"}, "did you mean 'board'"),
        ({"board": "banana"}, r"hal\.options\.board = 'banana': give one of"),
        ({"record_pin": "17"}, r"hal\.options\.record_pin = '17': give a whole number"),
        ({"record_pin": True}, "record_pin = True"),
        ({"record_pin": -1}, "without a record button"),
        ({"mark_pin": 17}, "GPIO 17 is given to two parts"),
        ({"buttons_active_low": 1}, "give true or false"),
        ({"gauge": "guess"}, "give one of ina219, kernel"),
        ({"max1704x_address": 0x80}, "whole number from 3 to 119"),
        ({"shunt_mohm": 0}, "number from 0.1"),
        ({"rtc_error_seconds": "long"}, "number from 0 to 86400"),
        ({"microphone": ""}, "text in quotes"),
        ({"pixel_format": "XBGR8888"}, "NV12, YUV420"),
    ],
)
def test_a_wrong_option_of_pi_is_named(given: dict[str, Option], words: str) -> None:
    """DR-2: with its value and what would be right."""
    with pytest.raises(DriverSetError, match=words):
        read_options(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"keybord": "none"}, "did you mean 'keyboard'"),
        ({"record_key": "any"}, "give one of camera"),
        ({"record_key": "f10"}, "a key of its own"),
        ({"dock": "gpio"}, "none, power"),
    ],
)
def test_a_wrong_option_of_linux_is_named(given: dict[str, Option], words: str) -> None:
    """DR-2: the same words for the other set."""
    with pytest.raises(DriverSetError, match=words):
        linux.read_options(given)


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_can_be_opened_as_it_is(name: str) -> None:
    """DR-30: a record button, and no pin given twice."""
    options = read_options({"board": name})
    assert ButtonName.RECORD in options.buttons


def test_an_option_overrides_its_board() -> None:
    """DR-2: one thing, and the rest stays the board's."""
    options = read_options({"board": "waveshare-ups-hat", "record_pin": 22, "blue_pin": -1, "battery_mwh": 37_000})
    assert options.buttons == {ButtonName.RECORD: 22, ButtonName.MARK: 27}
    assert set(options.lamps) == {"red", "green"}
    assert (options.gauge.gauge, options.gauge.ina219.address, options.gauge.ina219.cells) == (Gauge.INA219, 0x42, 2)
    assert options.gauge.capacity_mwh == 37_000
