"""The burnt-in line: what it says, how it looks, and when it is drawn (CS-34)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from capture.assignment import Assignment, Officer
from capture.caption import CaptionFacts, caption_parts, is_time_trusted
from capture.errors import CaptionFontError
from capture.preflight import CAPTION, judge, judge_standing
from capture.profile import CaptureProfile, PreflightSection, RecordingSection
from capture.shell import lettering
from capture.shell.captioning import CaptionDesk, make_caption
from capture.shell.lettering import Letterer, Lettering, Plane
from hal.values import ClockReading, TimeSource
from hw_sim.clock import SimClock
from sealing.records import CheckVerdict
from tests.support.clocks import ManualClock
from tests.unit.capture_session.test_preflight import HEALTHY

CHINA = timezone(timedelta(hours=8))
FACTS = CaptionFacts("某某局", "UNIT-1")
START_SECONDS = 1_767_225_600
"""2026-01-01T00:00:00Z."""
SECOND_NS = 1_000_000_000
WANTED = CaptureProfile(recording=RecordingSection(caption=True))


class CountingLetterer(Letterer):
    """Keeps what it is asked to draw; the letters are real."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[tuple[str, ...]] = []

    def render(self, parts: Sequence[str], width_pixels: int, height_pixels: int) -> Lettering:
        self.words.append(tuple(parts))
        return super().render(parts, width_pixels, height_pixels)


@pytest.mark.parametrize(
    ("facts", "numbers", "trusted", "expected"),
    [
        (FACTS, ("皖A0001",), True, ("2026-01-01 08:00:00+08:00", "某某局", "UNIT-1", "皖A0001")),
        (
            FACTS,
            ("皖A0001", "皖A0002"),
            False,
            ("2026-01-01 08:00:00+08:00*", "某某局", "UNIT-1", "皖A0001", "皖A0002"),
        ),
        (FACTS, (), True, ("2026-01-01 08:00:00+08:00", "某某局", "UNIT-1")),
        (CaptionFacts(), ("皖A0001",), True, ("2026-01-01 08:00:00+08:00", "皖A0001")),
    ],
)
def test_the_line_names_time_agency_unit_and_officers(
    facts: CaptionFacts, numbers: tuple[str, ...], trusted: bool, expected: tuple[str, ...]
) -> None:
    """CS-34: to the second and with its zone; `*` while nothing vouches for the time."""
    assert caption_parts(facts, numbers, START_SECONDS, CHINA, trusted=trusted) == expected


def test_the_zone_is_the_units() -> None:
    assert caption_parts(FACTS, (), START_SECONDS, UTC, trusted=True)[0] == "2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("source", "uncertainty_ns", "trusted"),
    [
        (TimeSource.NETWORK, 20_000_000, True),
        (TimeSource.NETWORK, 2_000_000_000, True),
        (TimeSource.NETWORK, 2_000_000_001, False),
        (TimeSource.STORE, 500_000_000, True),
        (TimeSource.STORE, -1, False),
        (TimeSource.RTC, 20_000_000, False),
        (TimeSource.UNSET, -1, False),
    ],
)
def test_which_time_stands_without_a_mark(source: TimeSource, uncertainty_ns: int, trusted: bool) -> None:
    """CS-34: network or store, within the profile's limit."""
    assert is_time_trusted(ClockReading(0, 0, source, uncertainty_ns, "boot"), 2_000) is trusted


@pytest.mark.parametrize("ground", [16, 120, 235])
def test_letters_are_white_with_a_black_edge_on_any_ground(ground: int) -> None:
    """CS-34: both lumas are there, and around the letters nothing changes."""
    picture = np.full((1080, 1920), ground, np.uint8)
    drawn = Letterer().render(("2026-01-01 08:00:00+08:00", "某某局"), 1920, 1080)
    drawn.lay_on(picture)
    rows, columns = drawn.luma.shape
    assert (picture[:rows, :columns][drawn.inked] == 235).mean() > 0.15
    assert (picture[:rows, :columns][drawn.inked] == 16).mean() > 0.15
    assert (picture[:rows, :columns][~drawn.inked] == ground).all()
    assert (picture[rows:] == ground).all()
    assert (picture[:, columns:] == ground).all()


def test_every_sign_is_another_picture_and_none_is_a_missing_glyph() -> None:
    """CS-34: Chinese characters are there; a font without them would draw the same box for each."""
    letterer = Letterer()
    drawn = [letterer.render((sign,), 1920, 1080) for sign in "局皖沪津蒙连武淮芜"]
    assert len({(each.luma.shape, each.luma.tobytes()) for each in drawn}) == len(drawn)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (640, 360), (320, 240), (160, 120)])
@pytest.mark.parametrize("officers", [1, 8])
def test_all_words_fit_into_the_picture(width: int, height: int, officers: int) -> None:
    """CS-34: they run on to further lines, and grow smaller where they must."""
    parts = caption_parts(FACTS, [f"皖A000{each}" for each in range(officers)], START_SECONDS, CHINA, trusted=False)
    drawn = Letterer().render(parts, width, height)
    assert drawn.luma.shape[1] <= width
    assert drawn.luma.shape[0] <= height * 2 // 3
    assert drawn.inked.any()


def test_without_a_font_the_error_names_font_and_remedy(tmp_path: Path) -> None:
    """CS-34: a missing font is told with what to do."""
    with pytest.raises(CaptionFontError, match=r"nothing\.ttc; install fonts-wqy-microhei"):
        Letterer([tmp_path / "nothing.ttc"])
    (tmp_path / "broken.ttc").write_bytes(b"no font")
    with pytest.raises(CaptionFontError, match=r"broken\.ttc: .*install fonts-wqy-microhei again"):
        Letterer([tmp_path / "broken.ttc"])


def test_a_unit_without_a_font_records_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """CS-34: only where the profile wants the line; the log names the remedy, the check is degraded."""
    monkeypatch.setattr(Letterer.__init__, "__defaults__", ((tmp_path / "nothing.ttc",),))
    with caplog.at_level(logging.ERROR):
        assert make_caption(ManualClock(), CaptureProfile(), FACTS, CHINA, lambda: None) is None
        assert caplog.messages == []
        assert make_caption(ManualClock(), WANTED, FACTS, CHINA, lambda: None) is None
    assert "capture.recording.caption" in caplog.text
    assert "install fonts-wqy-microhei" in caplog.text


@pytest.mark.parametrize(
    ("ready", "verdicts"), [(None, []), (True, [CheckVerdict.PASS]), (False, [CheckVerdict.DEGRADED])]
)
def test_the_check_tells_of_the_line_where_it_is_wanted(ready: bool | None, verdicts: list[CheckVerdict]) -> None:
    """CS-34: it never fails a start."""
    measured = replace(HEALTHY, caption_ready=ready)
    for result in (judge(measured, PreflightSection()), judge_standing(measured, PreflightSection())):
        assert [found.verdict for found in result.checks if found.check == CAPTION] == verdicts


def shown(desk: CaptionDesk, captured_boottime_ns: int) -> Plane:
    picture = np.full((360, 640), 100, np.uint8)
    desk.draw(picture, captured_boottime_ns)
    return picture


def test_the_second_is_that_of_the_picture() -> None:
    """CS-34: not that of the moment at which the picture is worked on."""
    clock, letterer = ManualClock(), CountingLetterer()
    desk = CaptionDesk(clock, letterer, FACTS, CHINA, 2_000, lambda: None)
    start_ns = clock.now.boottime_ns
    clock.advance(5.0)
    shown(desk, start_ns + SECOND_NS - 1)
    shown(desk, start_ns + SECOND_NS)
    assert [words[0] for words in letterer.words] == ["2026-01-01 08:00:00+08:00", "2026-01-01 08:00:01+08:00"]


def test_new_officers_and_a_lost_clock_show_with_the_next_picture() -> None:
    """CS-34: nobody stands in a picture who had the unit before."""
    clock, letterer = ManualClock(), CountingLetterer()
    holder = [Assignment((Officer("皖A0001", "甲某"),))]
    desk = CaptionDesk(clock, letterer, FACTS, CHINA, 2_000, lambda: holder[0])
    before = shown(desk, clock.now.boottime_ns)
    assert (shown(desk, clock.now.boottime_ns) == before).all()
    holder[0] = Assignment((Officer("皖A0002", "乙某"),))
    other = shown(desk, clock.now.boottime_ns)
    clock.now = replace(clock.now, source=TimeSource.RTC)
    marked = shown(desk, clock.now.boottime_ns)
    assert [words[-1] for words in letterer.words] == ["皖A0001", "皖A0002", "皖A0002"]
    assert [words[0][-1] for words in letterer.words] == ["0", "0", "*"]
    assert (before != other).any()
    assert (other != marked).any()


def test_letters_are_ready_before_the_second_begins_and_old_ones_go() -> None:
    """CS-34: but for the first picture the camera's thread only copies."""
    clock, letterer = SimClock("stepped"), CountingLetterer()
    desk = CaptionDesk(clock, letterer, FACTS, CHINA, 2_000, lambda: None)
    desk.worker.start()
    for second in range(20):
        drawn = len(letterer.words)
        shown(desk, clock.boottime_ns())
        assert len(letterer.words) - drawn == (second == 0)
        clock.step_by(1.0)
    assert len(desk._ready) <= 6
    desk.worker.request_stop()
    clock.step_by(1.0)
    assert not desk.worker.alive


def test_the_fonts_that_are_looked_for_have_chinese_characters() -> None:
    """CS-34: the first of them is what the unit's package recommends."""
    assert lettering.FONTS[0].name == "wqy-microhei.ttc"
