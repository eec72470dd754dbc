from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from hal.values import CameraSettings
from hw_sim.media import frame_code
from hw_sim.media.pictures import Moment, plane, statistics
from hw_sim.media.scene import DrawnScene, civil_time, timecode
from hw_sim.media.stroke_font import GLYPHS, cell_size, glyph

SECOND_NS = 1_000_000_000
UTC_NS = 1_767_229_200 * SECOND_NS


def drawn(width: int, height: int, *moments: Moment) -> list[np.ndarray]:
    scene = DrawnScene()
    scene.begin(scene.settings(CameraSettings(width, height)))
    return [plane(scene.picture(moment), 0).copy() for moment in moments]


@pytest.mark.parametrize("size", [(1920, 1080), (642, 362), (1080, 1920), (320, 180), (161, 121)])
def test_every_picture_tells_its_number(size: tuple[int, int]) -> None:
    wanted = [0, 1, 255, 65_536, 2**31 + 7]
    lumas = drawn(*size, *(Moment(number * 33_333_333, number, UTC_NS) for number in wanted))
    assert [frame_code.read(luma) for luma in lumas] == wanted


def test_a_damaged_number_is_read_as_nothing() -> None:
    (luma,) = drawn(640, 360, Moment(0, 1234, UTC_NS))
    cell = frame_code.cell_pixels(360)
    luma[360 - 3 * cell : 360 - 2 * cell, 2 * cell : 3 * cell] ^= 0xFF
    assert frame_code.read(luma) is None


def test_a_picture_without_a_block_has_no_number() -> None:
    assert frame_code.read(np.full((360, 640), 90, np.uint8)) is None
    assert frame_code.read(np.zeros((16, 16), np.uint8)) is None


def test_a_picture_does_not_depend_on_the_ones_before_it() -> None:
    first, second = Moment(5 * SECOND_NS, 150, UTC_NS), Moment(9_100_000_000, 273, UTC_NS + 4_100_000_000)
    *_, after_many = drawn(642, 362, first, Moment(7 * SECOND_NS, 200, UTC_NS), second)
    (alone,) = drawn(642, 362, second)
    assert np.array_equal(after_many, alone)


def test_pictures_a_second_apart_have_other_thumbnails() -> None:
    lumas = drawn(640, 360, *(Moment(second * SECOND_NS, second * 30, UTC_NS) for second in range(30)))
    thumbnails = [statistics(luma).fingerprint for luma in lumas]
    assert all(one != other for one, other in pairwise(thumbnails))


def test_statistics_measure_the_picture() -> None:
    luma = np.zeros((90, 160), np.uint8)
    luma[:, 80:] = 200
    measured = statistics(luma)
    assert measured.mean_luma == pytest.approx(100)
    assert measured.luma_deviation == pytest.approx(100)
    assert measured.fingerprint == bytes(([0] * 8 + [200] * 8) * 9)


def test_timecode_counts_pictures_of_the_second() -> None:
    rate = Fraction(30_000, 1001)
    assert timecode(0, Fraction(30)) == "00:00:00:00"
    assert [timecode(round(n * SECOND_NS / Fraction(30)), Fraction(30))[-2:] for n in range(31)] == [
        f"{n % 30:02d}" for n in range(31)
    ]
    assert timecode(3_723 * SECOND_NS + round(12 * SECOND_NS / rate), rate) == "01:02:03:12"


def test_civil_time_is_utc_to_the_millisecond() -> None:
    assert civil_time(UTC_NS + 42_000_000) == "2026-01-01 01:00:00.042 UTC"


def test_unready_scene_says_so() -> None:
    with pytest.raises(RuntimeError, match="call begin first"):
        DrawnScene().picture(Moment(0, 0, 0))


@pytest.mark.parametrize("sign", sorted(set(GLYPHS) - {" "}))
def test_every_sign_has_ink_and_stays_in_its_cell(sign: str) -> None:
    cover = glyph(sign, 40)
    assert cover.shape == cell_size(40)
    assert cover.max() == 1
    assert cover[0].max() == cover[-1].max() == cover[:, 0].max() == cover[:, -1].max() == 0


def test_every_two_signs_look_different() -> None:
    alike = {frozenset("0O")}
    for one in GLYPHS:
        for other in GLYPHS:
            if one < other and frozenset((one, other)) not in alike:
                assert np.abs(glyph(one, 40) - glyph(other, 40)).sum() > 10
