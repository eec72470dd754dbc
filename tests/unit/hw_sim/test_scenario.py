"""Scenario files are read whole or refused with line and remedy."""

from __future__ import annotations

import errno

import pytest

from hal.values import LampColour
from hw_sim import moves
from hw_sim.conditions import Film, Lamp, Never, Pulse, Words
from hw_sim.errors import ScenarioError
from hw_sim.scenario import Act, ChangeSpeed, End, Expect, Pause, Step, Wait, parse
from hw_sim.wording import error_number, seconds, size_bytes


def only(text: str) -> Step:
    (step,) = parse(text).steps
    return step


def test_a_whole_scenario_reads_as_it_stands() -> None:
    scenario = parse(
        """
        # two officers, one break
        wait outside for words "领用"       # by the check-out command
        press record
        after 12 s: 甲某 says "camera # came loose; plugged back"
        unplug camera; after 3 s; plug camera
        at 1:30: 乙某 说：“已经恢复”
        end
        """,
        "break.txt",
    )
    assert [step.line for step in scenario.steps] == [3, 4, 5, 6, 6, 6, 7, 8]
    assert [type(step.deed) for step in scenario.steps] == [Wait, Act, Act, Act, Pause, Act, Act, End]
    assert [step.after_seconds for step in scenario.steps] == [0, 0, 12, 0, 3, 0, 0, 0]
    assert scenario.steps[6].at_seconds == 90
    assert scenario.spoken() == (("甲某", "camera # came loose; plugged back"), ("乙某", "已经恢复"))


@pytest.mark.parametrize("form", [form.shown for form in moves.FORMS])
def test_every_form_that_is_shown_can_be_read(form: str) -> None:
    """The shown form, with the first of its choices taken, is itself a statement."""
    for part in form.replace("WHO", "甲某").split(", "):
        text = part.split(" (or")[0].replace("[", "").replace("]", "")
        words = [word.split("|")[0] for word in text.split()]
        assert isinstance(only(" ".join(words)).deed, Act)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 s", 12.0),
        ("1.5s", 1.5),
        ("80 ms", 0.08),
        ("2 min", 120.0),
        ("1 h", 3600.0),
        ("1:30", 90.0),
    ],
)
def test_lengths_of_time(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


def test_amounts_and_errors() -> None:
    assert size_bytes("1.5", "KiB") == 1536
    assert error_number("EROFS") == errno.EROFS
    with pytest.raises(ValueError, match="no error of the medium"):
        error_number("EPERM")
    with pytest.raises(ValueError, match="no length of time"):
        seconds("soon")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('wait for words "全程"', Wait(Words("全程"), outside=False, within_seconds=120.0)),
        ('wait outside for words "领用"', Wait(Words("领用"), outside=True, within_seconds=600.0)),
        ("wait for film at 1:30 within 1 h", Wait(Film(90_000_000_000), outside=False, within_seconds=3600.0)),
        ("wait for lamp green steady", Wait(Lamp(LampColour.GREEN, steady=True), outside=False, within_seconds=120.0)),
        ("wait for lamp red blinking within 5 s", Wait(Lamp(LampColour.RED, steady=False), False, 5.0)),
        ('wait for lamp "recording"', Wait(Lamp(meaning="recording"), outside=False, within_seconds=120.0)),
        ('wait for vibration "mark"', Wait(Pulse("mark"), outside=False, within_seconds=120.0)),
        ("expect no lamp red", Expect(Never(Lamp(LampColour.RED)))),
        ("expect vibration", Expect(Pulse())),
        ("speed max", ChangeSpeed("max")),
        ("speed real", ChangeSpeed(1.0)),
        ("speed 4", ChangeSpeed(4.0)),
    ],
)
def test_waits_expectations_and_speeds(text: str, expected: Wait | Expect | ChangeSpeed) -> None:
    assert only(text).deed == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("press recrd", r"s\.txt, line 1: 'press recrd': not understood; write 'press record\|mark'"),
        ("\n\nunplug camra", "line 3: .*plug|unplug camera"),
        ('甲 says "hello', "line 1: .*quotation mark is not closed"),
        ("wait for the bus", "line 1: .*nothing to wait for or expect"),
        ("battery 120 %", "line 1: .*write 0 to 100"),
        ("heat 140", "line 1: .*write 0 to 125"),
        ("fail next append with EPERM", "line 1: .*EIO, ENOSPC, EROFS"),
        ("speed 0", "line 1: .*above 0"),
        ("end\npress record", "line 1: nothing can follow 'end'"),
        ("# nothing", "nothing happens in it"),
        ("after 3 apples: press record", "line 1: .*after 12 s"),
        ("hold mark", "line 1: .*hold record"),
    ],
)
def test_what_cannot_be_read_names_line_and_remedy(text: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse(text, "s.txt")


def test_another_text_is_another_scenario() -> None:
    assert parse("dock").fingerprint != parse("undock").fingerprint
    assert 0 <= parse("dock").fingerprint < 1 << 48
