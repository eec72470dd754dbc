"""The table itself: complete, explicit, and drawn as it is (CS-1); lamps and cues (CS-8)."""

import os
import re
from itertools import combinations
from pathlib import Path

import pytest

from capture import events as ev
from capture.cues import CUES, DOCK_LAMPS, STATE_LAMPS, Cue
from capture.diagram import sections
from capture.session import EVENTS, TABLE, Ignore, Move, Reject, advance
from capture.states import CAPTURING, State
from capture.turn import IllegalEventError
from capture.voice.sounds import HEARD, Tone
from tests.unit.capture_session.script import Driver

DOCUMENT = Path(__file__).resolve().parents[3] / "capture" / "SESSION.md"


def leading_to(target: State) -> set[State]:
    return {
        source
        for source, row in TABLE.items()
        for cell in row.values()
        if isinstance(cell, Move) and target in cell.targets and source is not target
    }


def test_every_pair_has_a_cell_and_nothing_else_has_cs_1() -> None:
    assert set(TABLE) == set(State)
    for row in TABLE.values():
        assert set(row) == set(EVENTS)


def test_whatever_does_nothing_says_why() -> None:
    quiet = [cell for row in TABLE.values() for cell in row.values() if isinstance(cell, Ignore | Reject)]
    assert all(len(cell.reason.split()) > 2 for cell in quiet)


def test_every_state_is_reached_and_reaches_idle() -> None:
    for state in State:
        assert leading_to(state), state
    reaching = {State.IDLE}
    while True:
        more = reaching | {source for target in reaching for source in leading_to(target)}
        if more == reaching:
            break
        reaching = more
    assert reaching == set(State)


def test_capturing_begins_only_behind_the_checks_or_a_break() -> None:
    entered = {source for state in CAPTURING for source in leading_to(state)} - CAPTURING
    assert entered == {State.STARTING, State.INTERRUPTED}


@pytest.mark.parametrize(
    "event",
    [ev.RunEnded(1, 0, 0, 0, 0, 1, 0, 0), ev.MarkLocated(1, 0, 0, 0)],
    ids=lambda event: type(event).__name__,
)
def test_a_rejected_event_raises_and_changes_nothing_cs_1(event: ev.Event) -> None:
    driver = Driver()
    before = driver.machine
    with pytest.raises(IllegalEventError, match=f"{type(event).__name__} in state idle"):
        driver.feed(event)
    assert driver.machine == before
    assert driver.effects == []


def test_an_ignored_event_has_no_effect() -> None:
    driver = Driver()
    driver.record()
    assert advance(driver.machine, ev.ResumePressed(driver.now_ns)) == (driver.machine, ())


def test_lamps_tell_every_state_from_every_other_without_colour_cs_8() -> None:
    assert set(STATE_LAMPS) == {state.value for state in State}
    blinking = [lamp for lamp in (*STATE_LAMPS.values(), *DOCK_LAMPS.values()) if lamp.off_ms]
    assert len(blinking) == len(STATE_LAMPS) + len(DOCK_LAMPS) - 1, "one state is steady"
    for one, other in combinations(blinking, 2):
        apart = max(ratio(one.on_ms, other.on_ms), ratio(one.off_ms, other.off_ms))
        assert apart >= 3, f"{one.meaning} and {other.meaning} blink nearly alike"
    assert min(min(lamp.on_ms, lamp.off_ms) for lamp in blinking) >= 100, "too quick to be seen"


def ratio(one_ms: int, other_ms: int) -> float:
    return max(one_ms, other_ms) / min(one_ms, other_ms)


NOT_RECORDING = {Cue.BLOCKED, Cue.BROKEN, Cue.STILL_BROKEN, Cue.FAULT}


def test_no_sound_stands_for_two_things_cs_37() -> None:
    """CS-37: three beeps are heard when nothing is being recorded, and then alone."""
    heard = {cue: answer.tone for cue, answer in CUES.items() if answer.tone is not None}
    assert {cue for cue, tone in heard.items() if tone is Tone.FAULT} == NOT_RECORDING
    others = [tone for cue, tone in heard.items() if cue not in NOT_RECORDING]
    assert len(set(others)) == len(others)
    assert set(HEARD) == set(Tone)
    assert len(set(HEARD.values())) == len(Tone)


def test_every_cue_is_felt_and_no_two_that_mean_different_things_alike_cs_8() -> None:
    assert set(CUES) == set(Cue)
    assert all(answer.vibration_ms for answer in CUES.values())
    pulses = {Cue.STILL_RECORDING, Cue.STILL_RECORDING_AUDIBLE}
    felt = [answer.vibration_ms for cue, answer in CUES.items() if cue not in pulses]
    assert len(set(felt)) == len(felt)


def filled_in(document: str) -> str:
    for name, text in sections():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert between.search(document), name
        document = between.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", document)  # type: ignore[misc]
    return document


def test_the_document_carries_what_the_table_draws() -> None:
    """With UPDATE_DOCUMENTS set the document is brought up to date instead."""
    document = DOCUMENT.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_DOCUMENTS"):
        DOCUMENT.write_text(filled_in(document), encoding="utf-8")
    else:
        assert document == filled_in(document)
