"""Gestures, lamps and sounds of a profile: one table, told apart whatever it states (CS-7, CS-8, CS-37, PR-13)."""

from typing import cast

import pytest
from pydantic import ValidationError

from agent.guide import guide_of
from agent.profile import load_profile, parse_profile, shipped_profiles
from capture.cues import Cue
from capture.gestures import ONE_BUTTON, GestureReader, Meaning, Mode, Movement
from capture.profile import CaptureProfile
from capture.shell.panel import Panel
from capture.signals import OWN, SignalTable, check, signal_rows
from capture.voice.sounds import Tone
from hal.ports import Hardware
from hal.values import ButtonEdge, ButtonName, LampColour, LampPattern, VibrationPattern

MS = 1_000_000
SLOW: dict[str, object] = {"code": "recording", "colour": "red", "on_ms": 9000, "off_ms": 9000}
SWAPPED = [
    {"code": "break", "button": "record", "movement": "press"},
    {"code": "notice", "button": "mark", "movement": "hold"},
]


def table(**signals: object) -> SignalTable:
    return CaptureProfile.model_validate({"signals": signals}).signals.table()


def test_what_a_profile_states_takes_the_place_of_the_recorders_own_pr_13() -> None:
    """PR-13."""
    mark = {"code": "mark", "felt_ms": [90], "tone": "step", "lamp": "yellow"}
    step = {"code": "step", "felt_ms": [60, 60, 60], "tone": "mark"}
    own = table(lamps=[SLOW], cues=[mark, step], presses=SWAPPED)
    assert own.lamps == {**OWN.lamps, "recording": LampPattern(LampColour.RED, 9000, 9000, "recording")}
    assert (own.cues[Cue.MARK].vibration_ms, own.cues[Cue.MARK].tone) == ((90,), Tone.STEP)
    assert {cue for cue in Cue if own.cues[cue] != OWN.cues[cue]} == {Cue.MARK, Cue.STEP}
    assert own.two_buttons[Mode.CAPTURING, ButtonName.RECORD, Movement.PRESS] is Meaning.BREAK
    assert own.two_buttons[Mode.CAPTURING, ButtonName.MARK, Movement.HOLD] is Meaning.NOTICE
    assert sorted(own.two_buttons.values()) == sorted(OWN.two_buttons.values())


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_shipped_profiles_have_the_recorders_own_table(name: str) -> None:
    assert load_profile(name).profile.capture.signals.table() == OWN
    check(OWN)


WRONG: list[tuple[dict[str, object], str]] = [
    ({"lamps": [{**SLOW, "code": "asleep"}]}, "'asleep' is no state"),
    ({"lamps": [{**SLOW, "on_ms": 250, "off_ms": 150}]}, "lamps: 'recording' and 'announcing' blink nearly alike"),
    ({"lamps": [{**SLOW, "code": "idle", "off_ms": 0}]}, "lamps: 'idle' and 'recording' blink nearly alike"),
    ({"lamps": [{**SLOW, "off_ms": 50}]}, "below 100 ms is not seen"),
    ({"lamps": [{**SLOW, "on_ms": 99}]}, "greater than or equal to 100"),
    ({"lamps": [{**SLOW, "colour": "off"}]}, "a lamp that is off shows nothing"),
    ({"lamps": [SLOW, SLOW]}, "lamps: each code may stand once"),
    ({"cues": [{"code": "wink", "felt_ms": [60]}]}, "'wink' is none of"),
    ({"cues": [{"code": "mark", "felt_ms": [60, 60, 60]}]}, "cues: 'step' feels like 'mark'"),
    ({"cues": [{"code": "mark", "felt_ms": [90], "tone": "step"}]}, "cues: 'step' sounds like 'mark'"),
    ({"cues": [{"code": "mark", "felt_ms": [90], "tone": "fault"}]}, "cues: 'mark' sounds like 'blocked'"),
    ({"cues": [{"code": "broken", "felt_ms": [90], "tone": "start"}]}, "'fault' is heard when nothing is recorded"),
    ({"presses": SWAPPED[:1]}, "'break' cannot be record: press, which is 'notice'"),
    ({"presses": [{"code": "finish", "button": "mark", "movement": "hold"}]}, "'finish' stays where the unit's words"),
    ({"presses": [{"code": "break", "button": "mark", "movement": "down"}]}, "'break' cannot be mark: down"),
    ({"presses": [{"code": "wave", "button": "mark", "movement": "hold"}]}, "'wave' is none of"),
    ({"presses": [SWAPPED[0], SWAPPED[0]]}, "presses: each code may stand once"),
]


@pytest.mark.parametrize(("signals", "message"), WRONG)
def test_a_table_that_cannot_be_told_apart_is_refused_pr_13(signals: dict[str, object], message: str) -> None:
    """PR-13, CS-8, CS-37: the message names both."""
    with pytest.raises(ValidationError, match=message):
        table(**signals)


class Shown:
    """A lamp and a motor that remember."""

    def __init__(self) -> None:
        self.lamps: list[LampPattern] = []
        self.pulses: list[VibrationPattern] = []
        self.indicators = self.vibration = self

    def show(self, pattern: LampPattern) -> None:
        self.lamps.append(pattern)

    def pulse(self, pattern: VibrationPattern) -> None:
        self.pulses.append(pattern)


def test_the_panel_shows_the_profiles_table() -> None:
    parts = Shown()
    own = table(lamps=[SLOW], cues=[{"code": "mark", "felt_ms": [90]}])
    panel = Panel(cast("Hardware", parts), own)
    panel.show("recording")
    panel.answer(Cue.MARK, 0)
    assert (parts.lamps, parts.pulses) == ([own.lamps["recording"]], [VibrationPattern((90,), "mark")])
    assert (panel.tone(Cue.MARK), panel.tone(Cue.FAULT)) == (None, Tone.FAULT)


def test_a_gesture_lies_where_the_profile_puts_it() -> None:
    both = frozenset({ButtonName.RECORD, ButtonName.MARK})
    reader = GestureReader(both, 2_000 * MS, 400 * MS, table(presses=SWAPPED).two_buttons)
    reader.edge(ButtonEdge(ButtonName.RECORD, True, 0), Mode.CAPTURING)
    reader.edge(ButtonEdge(ButtonName.RECORD, False, 100 * MS), Mode.CAPTURING)
    assert [each.meaning for each in reader.settle(600 * MS)] == [Meaning.BREAK]
    reader.edge(ButtonEdge(ButtonName.MARK, True, 1_000 * MS), Mode.CAPTURING)
    assert [each.meaning for each in reader.settle(3_000 * MS)] == [Meaning.NOTICE]


def test_the_officers_sheet_shows_the_profiles_table() -> None:
    stated = """
[capture.signals]
lamps = [{ code = "recording", colour = "red", on_ms = 9000, off_ms = 9000 }]
presses = [
  { code = "break", button = "record", movement = "press" },
  { code = "notice", button = "mark", movement = "hold" },
]
"""
    guide = guide_of(parse_profile(load_profile("huainan").content + stated.encode(), "own.toml"))
    pressed = {press.wanted.zh: press.two_buttons.zh for press in guide.presses if press.two_buttons is not None}
    assert pressed["又有人到场：再次告知"] == "按住标记键 2 秒"
    assert LampPattern(LampColour.RED, 9000, 9000, "recording") in [lamp.pattern for lamp in guide.lamps]


def test_the_whole_table_can_be_read() -> None:
    rows = signal_rows(OWN)
    assert len(rows) == len(OWN.two_buttons) + len(ONE_BUTTON) + len(OWN.lamps) + len(OWN.cues)
    assert ("lamp", "interrupted", "yellow 100/900 ms") in rows
    assert ("press (2)", "capturing: break", "mark: hold") in rows
    assert ("cue", "mark", "felt 60 ms, heard mark, lamp green") in rows
