"""Timeline and picture: what people read."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta, timezone
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from sealing import records as r
from sealing.finding_words import MEANINGS_ZH
from sealing.findings import Code
from sealing.labels import Words, duration, figure_words, media_time, words
from sealing.layout import clock, padded, uncertainty, width, wrapped
from sealing.picture import WIDTH, render_picture
from sealing.picture_scale import Label, Placed, Scale, rows_of
from sealing.report import ChainError, Report
from sealing.timeline import COLUMNS, render_timeline
from sealing.verifier import examine_chain, verify_chain
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.recordings import SECOND_SESSION, Scene, trust

NS = 1_000_000_000


@pytest.fixture
def report(film_copy: Path) -> Report:
    return verify_chain([film_copy], trust())


def test_the_page_tells_the_session_in_chinese(report: Report) -> None:
    page = render_timeline(report)
    for told in (
        "完整：与封存时一致",
        "模拟设备（不可作为证据）",
        "第 1 次录制 · 2026-01-01（周四） 08:00:25.0 至",
        "告知，1.0秒，录音中已确认 97%",
        "中断 1：摄像头故障（设备发现）",
        "恢复录制（自动），中断 11.4秒",
        "中断 2：检查场所变化（执法人员声明）",
        "中断原因说明：没有听到",
        "网络校时，误差 ±1 毫秒",
        "PF-0001、PF-0002",
    ):
        assert told in page


def test_the_page_is_there_in_english(report: Report) -> None:
    page = render_timeline(report, "en")
    assert "intact: as it was sealed" in page
    assert "Break 2: change of the place inspected (announced)" in page
    assert not any("\u4e00" <= character <= "\u9fff" for character in page)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_line_is_wider_than_the_page(report: Report, language: str) -> None:
    assert max(width(line) for line in render_timeline(report, language).splitlines()) <= COLUMNS


def test_lines_stand_in_the_order_of_time(report: Report) -> None:
    times = [entry.utc_ns for entry in report.timeline]
    assert times == sorted(times)


def test_times_are_shown_in_the_zone_that_is_asked_for(report: Report) -> None:
    assert "00:00:25.0" in render_timeline(report, "en", timezone(timedelta(0)))


@pytest.mark.requirement("R12", "all")
def test_nobody_is_named_without_a_key(report: Report) -> None:
    """R12: names are private."""
    assert "甲某" not in render_timeline(report) + render_picture(report)


def test_a_spoiled_chain_is_told_on_the_page_and_in_the_picture(film_copy: Path) -> None:
    (film_copy / "00000003.evs").unlink()
    with pytest.raises(ChainError) as error:
        verify_chain([film_copy], trust())
    page, picture = render_timeline(error.value.report), render_picture(error.value.report)
    assert "不完整" in page
    assert "中间的记录缺失（00000004.evs，第 " in page
    assert "GAP: records 9 to 14 of the chain are missing" in page
    assert "GAP in 00000004.evs" in render_timeline(error.value.report, "en")
    assert "核验不通过" in picture


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own markup


def test_every_finding_has_words_for_those_who_do_not_read_the_format() -> None:
    assert set(MEANINGS_ZH) == set(Code)


def test_the_picture_is_one_file_that_needs_nothing_else(report: Report) -> None:
    picture = render_picture(report)
    root = parsed(picture)
    assert root.tag.endswith("svg")
    assert "href" not in picture
    assert "<image" not in picture
    shown = " ".join("".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text"))
    for told in (
        "视频",
        "音频",
        "播报",
        "说话",
        "标记",
        "中断 1 · 摄像头故障 · 11.4秒 · 已说明",
        "✓ 核验完整",
        "! 麦克风",
    ):
        assert told in shown


def test_nothing_stands_outside_the_picture(report: Report) -> None:
    root = parsed(render_picture(report))
    height = float(root.attrib["height"])
    for each in root.iter("{http://www.w3.org/2000/svg}rect"):
        if "x" in each.attrib:
            assert float(each.attrib["x"]) + float(each.attrib["width"]) <= WIDTH + 0.5
            assert float(each.attrib["y"]) + float(each.attrib["height"]) <= height + 0.5


def test_hostile_words_do_not_become_markup(report: Report) -> None:
    session = report.sessions[0]
    bad = replace(session.breaks[0], cause='<script>"&</script>')
    spoiled = replace(report, device_id="a<b&c", sessions=(replace(session, breaks=(bad, *session.breaks[1:])),))
    picture = render_picture(spoiled)
    parsed(picture)
    assert "<script" not in picture


def test_several_sessions_get_a_band_each_and_an_open_one_is_told(tmp_path: Path) -> None:
    clock_ = ManualClock()
    scene = Scene(start_writer(tmp_path, clock_), clock_)
    for session, number in ((scene.session, 1), (SECOND_SESSION, 2)):
        scene.session, scene.number, scene.run, scene.next_frame, scene.next_sample = session, number, 0, 0, 0
        clock_.advance(100)
        scene.press()
        scene.begin_run()
        scene.record(3)
        if number == 1:
            scene.finish()
    broken = scene.break_off("power-loss", r.BreakOrigin.MACHINE)
    report = examine_chain([tmp_path], trust())
    assert [each.number for each in report.sessions] == [1, 2]
    assert report.sessions[1].ended_utc_ns is None
    assert report.sessions[1].breaks[0].sequence == broken
    picture, page = render_picture(report), render_timeline(report)
    assert "第 2 次录制" in picture
    assert "未结束" in picture
    assert "至结束" in picture
    assert "未结束" in page


def test_a_session_that_recorded_nothing_still_has_its_band(tmp_path: Path) -> None:
    clock_ = ManualClock()
    scene = Scene(start_writer(tmp_path, clock_), clock_)
    scene.press()
    scene.writer.seal(r.SessionEnd(scene.session, "blocked", 0, 0, 0, 0, 0, 0, 0, clock_.now.boottime_ns, 0))
    report = examine_chain([tmp_path], trust())
    assert "没有录下画面或声音" in render_picture(report)
    assert "自检未通过，未开始" in render_timeline(report)


def test_a_chain_without_sessions_is_drawn_too(tmp_path: Path) -> None:
    start_writer(tmp_path).halt("stop")
    report = verify_chain([tmp_path], trust())
    assert "没有录制" in render_picture(report)
    assert "程序正常停止" in render_timeline(report)


def _crossings(placed: list[Placed]) -> int:
    count = 0
    for one, other in combinations(placed, 2):
        texts = one.row == other.row and (
            one.left < other.left + other.label.width and other.left < one.left + one.label.width
        )
        line = any(
            deep.row > shallow.row and shallow.left < deep.label.at < shallow.left + shallow.label.width
            for deep, shallow in ((one, other), (other, one))
        )
        count += texts or line
    return count


@pytest.mark.parametrize("apart", [1.0, 5.0, 20.0, 61.0, 200.0])
@pytest.mark.parametrize("wide", [8.0, 60.0, 300.0])
def test_labels_never_cross(apart: float, wide: float) -> None:
    labels = [Label(100 + index * apart, wide + index % 7, str(index), "#000") for index in range(40)]
    placed = rows_of(labels, 1_300.0, 6)
    assert placed
    assert _crossings(placed) == 0
    assert max(each.row for each in placed) < 6
    assert all(each.left + each.label.width <= 1_300.5 for each in placed)


def test_a_long_break_does_not_squeeze_the_footage() -> None:
    scale = Scale(0, 1_000 * NS, [(10 * NS, 990 * NS)], 0.0, 1_000.0)
    assert scale.x(10 * NS) > 400
    assert scale.x(1_000 * NS) == 1_000.0
    moments = [scale.x(second * NS) for second in range(0, 1_001, 10)]
    assert moments == sorted(moments)


def test_ticks_stand_at_round_times_apart_from_each_other() -> None:
    scale = Scale(0, 100 * NS, [(40 * NS, 60 * NS)], 0.0, 1_000.0)
    ticks = list(scale.ticks(3 * NS, 90.0))
    assert ticks
    assert all((tick + 3 * NS) % (5 * NS) == 0 for tick in ticks)
    places = [scale.x(tick) for tick in ticks]
    assert all(later - earlier >= 70 for earlier, later in pairwise(places))


def test_figures_read_as_people_write_them() -> None:
    assert duration(11_400_000_000).zh == "11.4秒"
    assert duration(600_000_000_000).zh == "10分0秒"
    assert duration(3_725_000_000_000).en == "1 h 2 min 5 s"
    assert media_time(62_300_000_000) == "0:01:02.3"
    assert clock(1_767_225_600_400_000_000, timezone(timedelta(hours=8))) == "08:00:00.4"
    assert uncertainty(-1).zh == "误差未知"
    assert uncertainty(1_500_000_000).en == "±1.5 s"
    assert words("cause", "own-code").zh == "own-code"


def test_chinese_takes_two_columns() -> None:
    assert width("中断 1") == 6
    assert padded("中断", 6) == "中断  "
    assert wrapped("中断原因说明：没有听到", 8) == ["中断原因", "说明：没", "有听到"]
    assert all(width(line) <= 20 for line in wrapped("a long English sentence that has to be broken", 20))


@pytest.mark.parametrize(
    ("figure", "unit", "zh", "en"),
    [
        (1, "source-network", " 网络校时", " network"),
        (1, "ok", "", ""),
        (5, "ms", " 5 毫秒", " 5 ms"),
        (-700, "rtc-ms", " -700 毫秒（与实时时钟）", " -700 ms off the RTC"),
        (3, "unheard-of", " 3unheard-of", " 3unheard-of"),
    ],
)
def test_a_clocks_source_is_told_as_a_word_and_no_figure(figure: int, unit: str, zh: str, en: str) -> None:
    assert figure_words(figure, unit) == Words(zh, en)
