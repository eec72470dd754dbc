"""The whole daemon with the shipped configuration: a minute at 1080p30 with a break, frame for frame and in step."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydantic import JsonValue

from hal.drivers.common.clock_unit import UnitClock
from sealing.records import Break, Fragment, Prompt, PromptKind, SessionEnd, VoiceWindow
from tests.scenario.recorder.unit import bodies
from tests.tiers.a_chroot import numbered_pictures
from tests.tiers.a_chroot.film import Picture, pictures, sound
from tests.tiers.a_chroot.room import Room, speech
from tests.tiers.a_chroot.shipped_unit import ShippedUnit, run

_SECOND_NS = 1_000_000_000
_HALF_FRAME_SECONDS = 1 / 60
_STEP_SECONDS_MAX = 0.040
_HOLD_SECONDS = 2.0
_FRAMES = 60 * 30
_MISSED_BUSY = 30
_TICKS_MIN = 15
"""None sounds while somebody speaks, and somebody does for a good part of the minute."""
_OFFICERS = ("--officer", "甲某:A001", "--officer", "乙某:A002")
_EXPLANATION = "摄像头线缆松动，录制中断，现已重新插好，继续录制。"


@dataclass(frozen=True)
class Given:
    """A frame that the camera gave."""

    at_ns: int
    number: int
    """Counted from the camera's start."""
    start: int
    """Which start of the camera."""


@dataclass(frozen=True)
class Day:
    """What the unit left, and what was really so."""

    unit: ShippedUnit
    given: tuple[Given, ...]
    missed: int
    finished_ns: int
    ticks_ns: tuple[int, ...]
    exit_code: int
    threads: dict[str, list[str]]
    films: tuple[Path, ...]


@pytest.fixture(name="day", scope="module")
def day_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A session, from the press to the end of the daemon."""
    directory, clock = tmp_path_factory.mktemp("shipped"), UnitClock()
    unit = ShippedUnit(directory, numbered_pictures.draw(directory), clock)
    room = Room(directory / "sound", clock)
    try:
        unit.install()
        room.start()
        yield live(unit, room, directory)
    finally:
        room.stop()
        unit.remove()


def live(unit: ShippedUnit, room: Room, directory: Path) -> Day:
    threads = {}
    explanation = speech(_EXPLANATION, directory)
    with unit.running(room.environment) as agent:
        run("recorder", "checkout", *_OFFICERS)
        threads["before"] = agent.threads()
        agent.order("press", 0.12)
        unit.wait_for("recording")
        threads["recording"] = agent.threads()
        unit.pass_time(20.0)
        agent.order("stall")
        unit.wait_for("resuming")
        unit.explain(room, explanation)
        threads["again"] = agent.threads()
        unit.wait_until(lambda: frames_of(agent.order("frames")) >= _FRAMES, "a minute of frames", 180.0)
        pressed_ns = agent.order("press", _HOLD_SECONDS + 0.4)
        assert isinstance(pressed_ns, int)
        unit.wait_for("idle")
        threads["after"] = agent.threads()
        exit_code, account, threads["left"] = agent.terminate()
    films = opened(unit, directory)
    finished_ns = pressed_ns + round(_HOLD_SECONDS * _SECOND_NS)
    missed = account["missed"]
    assert isinstance(missed, int)
    return Day(unit, given(account), missed, finished_ns, tuple(room.ticks_ns), exit_code, threads, films)


def given(account: dict[str, JsonValue]) -> tuple[Given, ...]:
    starts = account["given_ns"]
    assert isinstance(starts, list)
    found = []
    for start, frames in enumerate(starts):
        assert isinstance(frames, list)
        found += [Given(int(str(at_ns)), number, start) for number, at_ns in enumerate(frames)]
    return tuple(found)


def frames_of(account: JsonValue) -> int:
    assert isinstance(account, dict)
    return len(given(account))


def opened(unit: ShippedUnit, directory: Path) -> tuple[Path, ...]:
    """Verify and open, as the back office does: with the custodian's key."""
    trust = ("--trust", str(unit.agency / "trust"))
    run("recorder", "verify", str(unit.spool), *trust, "--require", "evidence")
    (key,) = unit.agency.rglob("recipient-custodian.key")
    run("recorder", "open", str(unit.spool), *trust, "--key", str(key), "--out", str(directory / "opened"))
    return tuple(sorted((directory / "opened").glob("session-*/run-*.mp4")))


@dataclass(frozen=True)
class Match:
    """A picture of a film, and the frame that it is."""

    frame: Given
    picture: Picture


@pytest.fixture(name="matches", scope="module")
def matches_fixture(day: Day) -> dict[Path, list[Match]]:
    """Each film's pictures with the frames that they are."""
    return {path: matched(day.given, pictures(path)) for path in day.films}


def matched(given: tuple[Given, ...], seen: list[Picture]) -> list[Match]:
    """Lay a film over the frames that were given where it fits best, by content and by time, frame after frame."""
    times = np.array([frame.at_ns / _SECOND_NS for frame in given])
    numbers = np.array([numbered_pictures.shown(frame.number) for frame in given])
    shown = np.array([picture.seconds for picture in seen])
    shown_numbers = np.array([picture.number for picture in seen])
    assert len(seen) <= len(given), "more pictures than frames"

    def misfit(first: int) -> float:
        here = slice(first, first + len(seen))
        lags = times[here] - shown
        return float(np.mean(np.abs(lags - np.median(lags))) + np.mean(numbers[here] != shown_numbers))

    first = min(range(len(given) - len(seen) + 1), key=misfit)
    return [Match(frame, picture) for frame, picture in zip(given[first:], seen, strict=False)]


def zero_seconds(film: list[Match]) -> float:
    """Boot time at which a film's own time is 0."""
    return float(np.median([match.frame.at_ns / _SECOND_NS - match.picture.seconds for match in film]))


@pytest.mark.timeout(480)
@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R12", "all")
def test_what_the_camera_gave_is_what_the_custodian_sees(
    day: Day, matches: dict[Path, list[Match]], capsys: pytest.CaptureFixture[str]
) -> None:
    """DR-17, DR-18, DR-21, DR-22: every frame but those behind the end, by time and by content; none in the break."""
    seen = [match for film in matches.values() for match in film]
    fragments = bodies(day.unit.spool, Fragment)
    sealed = sum(fragment.frame_count for fragment in fragments)
    wrong = [match for match in seen if match.picture.number != numbered_pictures.shown(match.frame.number)]
    absent = sorted(set(day.given) - {match.frame for match in seen}, key=lambda frame: frame.at_ns)
    starts = {frame.start for frame in day.given}
    with capsys.disabled():
        dropped = sum(fragment.dropped_frames for fragment in fragments)
        sys.stdout.write(
            f"\n{len(day.given)} frames in {len(starts)} stretches, {sealed} sealed, {len(absent)} behind the end; "
            f"{day.missed} frame times missed by this machine, {dropped} sealed as dropped\n"
        )
    assert len(seen) == len({match.frame for match in seen}) == sealed
    assert wrong == []
    assert all(median_lag(film) < _HALF_FRAME_SECONDS for film in matches.values())
    assert sealed >= _FRAMES
    early = [((frame.at_ns - day.finished_ns) / _SECOND_NS, frame) for frame in absent if frame.at_ns < day.finished_ns]
    assert early == [], "frames from before the end are missing"
    assert {frame.start for frame in absent} <= {max(starts)}


def median_lag(film: list[Match]) -> float:
    """How far a picture lies from its frame's time, as a rule."""
    zero = zero_seconds(film)
    return float(np.median([abs(match.frame.at_ns / _SECOND_NS - match.picture.seconds - zero) for match in film]))


@pytest.mark.requirement("R13", "all")
def test_sound_and_picture_are_in_step(
    day: Day, matches: dict[Path, list[Match]], capsys: pytest.CaptureFixture[str]
) -> None:
    """DR-18, DR-24: each tick lies in the film as far from the pictures as it sounded from the frames."""
    offsets = [offset for path, film in matches.items() for offset in tick_offsets(day.ticks_ns, path, film)]
    milliseconds = np.array(offsets) * 1000
    with capsys.disabled():
        sys.stdout.write(
            f"\nsound behind picture: median {np.median(milliseconds):+.1f} ms, from {milliseconds.min():+.1f} to "
            f"{milliseconds.max():+.1f} ms over {len(offsets)} ticks\n"
        )
    assert len(offsets) >= _TICKS_MIN
    assert max(abs(offset) for offset in offsets) <= _STEP_SECONDS_MAX


def tick_offsets(ticks_ns: tuple[int, ...], path: Path, film: list[Match]) -> Iterator[float]:
    """How many seconds each tick of a film comes too late, against where its pictures say that it belongs."""
    track, zero = sound(path), zero_seconds(film)
    for tick_ns in ticks_ns:
        if film[0].frame.at_ns < tick_ns < film[-1].frame.at_ns:
            expected = tick_ns / _SECOND_NS - zero
            heard = track.tick_near(expected)
            if heard is not None:
                yield heard - expected


@pytest.mark.requirement("R4", "all")
@pytest.mark.requirement("R8", "all")
def test_the_session_is_what_the_rules_ask_for(day: Day) -> None:
    """DR-29: the notice was heard, the break has its cause and its reason, and the button ended it."""
    prompts = bodies(day.unit.spool, Prompt)
    notices = [prompt for prompt in prompts if prompt.kind is PromptKind.NOTICE]
    assert notices
    # A machine that has no time for the sensor has none for the loudspeaker: it tears holes into what is said.
    assert any(prompt.heard for prompt in notices) or day.missed > _MISSED_BUSY, notices
    (broken,) = bodies(day.unit.spool, Break)
    assert broken.cause == "camera-fault"
    windows = bodies(day.unit.spool, VoiceWindow)
    assert any(window.final and window.accepted for window in windows)
    (end,) = bodies(day.unit.spool, SessionEnd)
    assert (end.reason, end.breaks, end.unexplained_breaks) == ("button", 1, 0)


def test_no_thread_is_lost_and_none_is_left(day: Day) -> None:
    """DR-3, DR-20: as many after a camera was given up as before; none when the daemon has ended."""
    assert day.exit_code == 0
    assert kinds(day.threads["recording"]) == kinds(day.threads["again"])
    assert day.threads["left"] == ["MainThread"]


def kinds(names: list[str]) -> list[str]:
    """Names without the numbers that Python gives; somebody who asks for the status comes and goes."""
    return sorted(re.sub(r"\d+", "", name) for name in names if name != "control-connection")
