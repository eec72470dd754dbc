"""Keys as buttons, from a stream of the kernel's events."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hal.drivers.linux.keyboard import EV_KEY, EVENT, KEYS, KeyboardButtons, NoButtons
from hal.drivers.system_clock import SystemClock
from hal.errors import TransientHardwareError
from hal.values import ButtonEdge, ButtonName

CLOCK = SystemClock()
PATIENCE_SECONDS = 60.0
_KEYS = {ButtonName.RECORD: KEYS["f9"], ButtonName.MARK: KEYS["f10"]}
_REPEATED, _EV_MSC = 2, 4


class Sink:
    def __init__(self) -> None:
        self.edges: list[ButtonEdge] = []
        self._arrived = CLOCK.signal()

    def edge(self, edge: ButtonEdge) -> None:
        self.edges.append(edge)
        self._arrived.set()

    def wait_for(self, count: int) -> None:
        while len(self.edges) < count:
            assert CLOCK.wait(self._arrived, PATIENCE_SECONDS), f"{len(self.edges)} edges came, not {count}"
            self._arrived.clear()


def event(kind: int, code: int, value: int) -> bytes:
    return EVENT.pack(0, 0, kind, code, value)


def test_presses_of_the_two_keys_are_edges_and_nothing_else_is(tmp_path: Path) -> None:
    """DR-31: not repeats of a held key, not other keys, not other events; for the last listener alone."""
    path = tmp_path / "event0"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    buttons = KeyboardButtons(CLOCK, path, _KEYS)
    before, after = Sink(), Sink()
    buttons.subscribe(before)
    buttons.subscribe(after)
    buttons.start()
    begun_ns = CLOCK.boottime_ns()
    os.write(writer, event(_EV_MSC, 4, 67) + event(EV_KEY, KEYS["f9"], 1) + event(EV_KEY, KEYS["f9"], _REPEATED))
    os.write(writer, event(EV_KEY, KEYS["space"], 1) + event(EV_KEY, KEYS["f9"], 0) + event(EV_KEY, KEYS["f10"], 1))
    after.wait_for(3)
    buttons.close()
    buttons.close()
    os.close(writer)
    record, mark = ButtonName.RECORD, ButtonName.MARK
    assert [(edge.button, edge.pressed) for edge in after.edges] == [(record, True), (record, False), (mark, True)]
    assert all(begun_ns <= edge.at_boottime_ns <= CLOCK.boottime_ns() for edge in after.edges)
    assert before.edges == []
    assert buttons.fitted() == ["record", "mark"]


def test_a_keyboard_that_is_pulled_out_ends_quietly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """DR-3: the thread ends, and says why."""
    path = tmp_path / "event0"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    buttons = KeyboardButtons(CLOCK, path, _KEYS)
    buttons.start()
    os.close(writer)
    assert buttons._worker.join(PATIENCE_SECONDS)
    buttons.close()
    assert any("went away" in line for line in caplog.messages)


def test_a_keyboard_that_does_not_open_is_named(tmp_path: Path) -> None:
    """DR-2: with both remedies."""
    with pytest.raises(TransientHardwareError, match="group input"):
        KeyboardButtons(CLOCK, tmp_path / "none", _KEYS)


def test_a_machine_without_buttons_says_so() -> None:
    """DR-30: nothing is fitted."""
    buttons = NoButtons()
    buttons.subscribe(Sink())
    assert list(buttons.fitted()) == []
