"""The burnt-in line, read back from opened recordings (CS-34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from capture.assignment import Assignment, Officer
from capture.caption import CaptionFacts, caption_parts
from capture.preflight import CAPTION
from capture.settings import CHINA
from capture.shell.lettering import Letterer, Lettering
from hal.values import TimeSource
from hw_sim.media import frame_code
from hw_sim.media.pictures import plane
from hw_sim.options import Option
from sealing.records import CheckVerdict, Preflight
from tests.scenario.recorder.conftest import MakePlace
from tests.scenario.recorder.unit import (
    OFFICERS,
    Place,
    Unit,
    bodies,
    copy_of,
    headers,
    only,
    opened,
    sample_profile,
    truth,
    verified,
)

SECOND_NS = 1_000_000_000
LATENCY_NS = 20_000_000
"""The camera works on a picture so long after it was taken."""
FACTS = CaptionFacts("某某局", "UNIT-1")
OTHERS = Assignment((Officer("皖B0007", "丙某"),))
NUMBERS = tuple(tuple(each.certificate_number for each in who.officers) for who in (OFFICERS, OTHERS))
WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True)
class Told:
    """What a line says, as it is read back."""

    utc_seconds: int
    trusted: bool
    numbers: tuple[str, ...]


@dataclass
class Recorded:
    """Two sessions with a line, and when the clock lost its source in the first."""

    place: Place
    lost_boottime_ns: int


@pytest.fixture(name="recorded", scope="module")
def recorded_fixture(tmp_path_factory: pytest.TempPathFactory, rendered: Path) -> Recorded:
    directory = tmp_path_factory.mktemp("captioned")
    profile = sample_profile(recording={"bitrate_bps": 2_000_000, "caption": True})
    options: dict[str, Option] = {"width": WIDTH, "height": HEIGHT, "clock_source": "network"}
    place = Place(directory, copy_of(rendered, directory), profile, options, caption=FACTS)
    with Unit(place) as unit:
        unit.recorder.checkout(OFFICERS)
        unit.press()
        unit.wait_for("recording")
        unit.world.set_clock_source(TimeSource.RTC)
        lost_boottime_ns = unit.hardware.clock.boottime_ns()
        unit.wait(2)
        unit.hold()
        unit.wait_for("idle")
        unit.recorder.checkin()
        unit.recorder.checkout(OTHERS)
        unit.press()
        unit.wait_for("recording")
        unit.hold()
        unit.wait_for("idle")
    return Recorded(place, lost_boottime_ns)


@pytest.fixture(name="films", scope="module")
def films_fixture(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> list[list[npt.NDArray[np.uint8]]]:
    """Decoded luma of each session, picture for picture."""
    return [
        pictures(session.runs[0].path)
        for session in opened(recorded.place.spool, tmp_path_factory.mktemp("opened") / "out")
    ]


def pictures(film: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(film)) as video:
        return [plane(picture, 0).copy() for picture in video.decode(video=0)]


def captured(place: Place, run: int) -> list[int]:
    found: list[int] = truth(place, "frames")["runs"][run]["captured_boottime_ns"]
    return found


def civil_offset_ns(place: Place) -> int:
    first = next(headers(place.spool))
    return first.utc_ns - first.boottime_ns


@cache
def letters(told: Told) -> Lettering:
    words = caption_parts(FACTS, told.numbers, told.utc_seconds, CHINA, trusted=told.trusted)
    return Letterer().render(words, WIDTH, HEIGHT)


def misfit(luma: npt.NDArray[np.uint8], told: Told) -> float:
    """How far a picture's letters are from a line's, per pixel, 0 to 219."""
    line = letters(told)
    rows, columns = line.luma.shape
    apart = np.abs(luma[:rows, :columns].astype(np.int16) - line.luma)
    return float(apart[line.inked].mean())


def read(luma: npt.NDArray[np.uint8], around_utc_seconds: int) -> Told:
    """The line that fits best, of all seconds around, with mark and without, of both check-outs."""
    seconds = range(around_utc_seconds - 2, around_utc_seconds + 3)
    return min((Told(*each) for each in product(seconds, (True, False), NUMBERS)), key=lambda told: misfit(luma, told))


def told_by(place: Place, run: int, film: Sequence[npt.NDArray[np.uint8]]) -> list[tuple[int, Told, Told]]:
    """Capture time, what is read, and what is to be expected but for the mark."""
    times, offset_ns = captured(place, run), civil_offset_ns(place)
    assert len(times) == len(film)
    due = [Told((each + offset_ns) // SECOND_NS, trusted=True, numbers=NUMBERS[run]) for each in times]
    return [(at, read(luma, wanted.utc_seconds), wanted) for at, luma, wanted in zip(times, film, due, strict=True)]


@pytest.mark.requirement("R13", "all")
@pytest.mark.parametrize("run", [0, 1])
def test_every_picture_says_its_second_and_who_wears_the_unit_cs_34(
    recorded: Recorded, films: list[list[npt.NDArray[np.uint8]]], run: int
) -> None:
    """CS-34: from the first picture to the last, the second ticking at the right one; officers by their check-out."""
    told = told_by(recorded.place, run, films[run])
    assert len(told) > 100
    assert [replace(found, trusted=True) for _, found, _ in told] == [wanted for _, _, wanted in told]
    assert len({found.utc_seconds for _, found, _ in told}) > 5
    assert max(misfit(luma, found) for luma, (_, found, _) in zip(films[run], told, strict=True)) < 30


@pytest.mark.requirement("R17", "all")
def test_a_time_that_nothing_vouches_for_carries_its_mark_cs_34(
    recorded: Recorded, films: list[list[npt.NDArray[np.uint8]]]
) -> None:
    """CS-34: from the picture on at which the clock lost its source."""
    told = told_by(recorded.place, 0, films[0])
    before = [found.trusted for at, found, _ in told if at + LATENCY_NS < recorded.lost_boottime_ns]
    after = [found.trusted for at, found, _ in told if at > recorded.lost_boottime_ns]
    assert before
    assert all(before)
    assert after
    assert not any(after)


@pytest.mark.requirement("R10", "all")
def test_the_line_is_sealed_with_the_picture_and_hides_little_of_it(
    recorded: Recorded, films: list[list[npt.NDArray[np.uint8]]]
) -> None:
    """CS-34: drawn before encoding, the chain is intact, and the pictures' own numbers are still to be read."""
    assert verified(recorded.place.spool).intact
    assert [frame_code.read(luma) for luma in films[0]] == list(range(len(films[0])))
    checks = bodies(recorded.place.spool, Preflight)[0].checks
    assert [check.verdict for check in checks if check.check == CAPTION] == [CheckVerdict.PASS]


def test_without_the_switch_nothing_is_written_into_pictures_cs_34(make_place: MakePlace, tmp_path: Path) -> None:
    """CS-34: off unless the profile wants it; no thread, no check, no letter."""
    place = replace(make_place({"width": WIDTH, "height": HEIGHT}), caption=FACTS)
    with Unit(place) as unit:
        assert "caption" not in {worker.name for worker in unit.recorder.workers}
        unit.recorder.checkout(OFFICERS)
        unit.press()
        unit.wait_for("recording")
        unit.hold()
        unit.wait_for("idle")
    (session,) = opened(place.spool, tmp_path / "opened")
    second = captured(place, 0)[0] + civil_offset_ns(place)
    first = pictures(session.runs[0].path)[0]
    assert misfit(first, read(first, second // SECOND_NS)) > 60
    assert CAPTION not in {check.check for check in only(place.spool, Preflight).checks}
