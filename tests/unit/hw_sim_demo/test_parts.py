"""Small parts of the demo: documents, programs, times, lengths, what a bystander is shown, arguments."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import sys
from fractions import Fraction
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from hw_sim import cli
from hw_sim.demo.agency import nine_before
from hw_sim.demo.command import _option
from hw_sim.demo.documents import Document, read
from hw_sim.demo.errors import CommandFailedError, DemoError, LateError
from hw_sim.demo.folder import MARKER
from hw_sim.demo.happenings import BAD, GOOD
from hw_sim.demo.length import SHORTEST_FILM_SECONDS, frames_per_second, length_of
from hw_sim.demo.programs import Programs, program, wait_until
from hw_sim.demo.telling import Both, Telling
from hw_sim.demo.witness import Witness
from hw_sim.files import Entry
from hw_sim.media.errors import VideoFileError
from hw_sim.media.faults import Dead, Frozen
from hw_sim.media.video_file import VideoFile
from hw_sim.media.video_pictures import VideoPictures
from hw_sim.world import World
from tests.unit.hw_sim_media.support import ClipSpec, make_clip

NS = 1_000_000_000


def test_a_document_tells_where_something_is_missing() -> None:
    document = read('{"a": {"b": [1, true, "x", null]}}', "answer")
    one, yes, text, _ = document["a"]["b"].items()
    assert (one.number(), yes.flag(), text.text()) == (1, True, "x")
    assert document["a"].get("c") is None
    with pytest.raises(DemoError, match=r"answer\.a has no 'c'"):
        document["a"]["c"]
    with pytest.raises(DemoError, match=r"answer\.a\.b\[1\] is True, not a whole number"):
        yes.number()
    with pytest.raises(DemoError, match="answer is not JSON"):
        read("{", "answer")
    with pytest.raises(DemoError, match="not a list"):
        Document("text", "answer").items()


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandFailedError, match="recorder-nothing is not installed here; run `make demo`"):
        program("recorder-nothing")


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    with pytest.raises(
        CommandFailedError, match=r"(?s)`recorder profile show nowhere` ended with exit code 78.*error:"
    ):
        programs.run("recorder", "profile", "show", "nowhere")
    assert "[78]" in (tmp_path / "commands.log").read_text(encoding="utf-8")


def test_a_command_may_be_expected_to_refuse(tmp_path: Path) -> None:
    assert Programs(tmp_path).run("recorder", "--nonsense", expected=(64,)).exit_code == 64


def test_what_was_started_is_ended(tmp_path: Path) -> None:
    code = "import signal, sys; print('up', flush=True); signal.pause()"
    with Programs(tmp_path).started("python", Path(sys.executable).name, "-c", code) as running:
        wait_until(lambda: "up" in running.out.read_text(encoding="utf-8"), 120, "the start")
        assert running.exit_code is None
    assert running.stop() == -signal.SIGTERM
    assert "its words" in str(running.failed("ended; all of its words"))


def test_waiting_ends() -> None:
    looks: list[int] = []
    with pytest.raises(LateError, match=r"the sun did not happen within 0\.1 s"):
        wait_until(lambda: False, 0.1, "the sun", lambda: looks.append(1))
    assert looks


@pytest.mark.parametrize(
    ("now", "nine"),
    [
        (1_795_395_600, "2026-11-23T09:00:00+08:00"),
        (1_795_395_599, "2026-11-22T09:00:00+08:00"),
        (1_795_420_000, "2026-11-23T09:00:00+08:00"),
    ],
)
def test_a_day_begins_at_the_last_nine_in_beijing(now: int, nine: str) -> None:
    assert nine_before(now * NS) == nine


def test_a_short_film_repeats_and_a_long_one_is_followed(tmp_path: Path) -> None:
    short = make_clip(tmp_path / "short.mp4", ClipSpec(64, 48, 30))
    long = make_clip(tmp_path / "long.mp4", ClipSpec(64, 48, 1_000, Fraction(10)))
    assert length_of(None, None).remark is None
    repeated = length_of(short, None)
    assert repeated.course.film_seconds is None
    assert repeated.remark is not None
    assert "repeats" in repeated.remark.en
    followed = length_of(long, None, lambda _: 200.0)
    assert followed.course.film_seconds is not None
    assert followed.course.film_seconds[2] == pytest.approx(100, abs=0.2)
    wanted = length_of(None, 120).course.film_seconds
    assert wanted is not None
    assert wanted[2] == 120
    assert wanted[1] <= 120 - 25


@pytest.mark.parametrize(("speed", "seconds"), [(30.0, 90.0), (3.0, SHORTEST_FILM_SECONDS)])
def test_a_long_film_is_followed_as_far_as_the_machine_comes_and_it_is_said(
    tmp_path: Path, speed: float, seconds: float
) -> None:
    found = length_of(make_clip(tmp_path / "long.mp4", ClipSpec(64, 48, 1_000, Fraction(10))), None, lambda _: speed)
    assert found.course.film_seconds is not None
    assert found.course.film_seconds[2] == seconds
    assert found.remark is not None
    assert f"this machine records about {3 * speed:.0f} s" in found.remark.en


def test_a_machines_speed_is_measured_with_the_films_own_pictures(tmp_path: Path) -> None:
    pictures = VideoPictures(VideoFile(make_clip(tmp_path / "film.mp4", ClipSpec(64, 48, 30))))
    assert 0 < frames_per_second(pictures) < 1e9
    pictures.close()


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("no film", encoding="utf-8")
    with pytest.raises(VideoFileError, match=r"film\.mp4"):
        length_of(tmp_path / "film.mp4", None)


def test_a_bystander_is_shown_what_happens(tmp_path: Path) -> None:
    page = io.StringIO()
    witness = Witness(tmp_path, Telling("zh", Console(file=page, width=100)))
    journal = tmp_path / "journal.jsonl"
    at = 1_795_395_600 * NS
    entries: list[Entry] = [
        {"kind": "power", "on": True, "new_boot": True, "world_ns": 9 * NS, "utc_ns": at + 9 * NS},
        {"kind": "press", "button": "mark", "held_seconds": 2.3, "world_ns": 20 * NS},
        {"kind": "fault", "part": "camera", "state": "unplugged", "world_ns": 21 * NS},
        {"kind": "lamp", "colour": "red", "world_ns": 21 * NS},
        {"kind": "spoken", "speaker": "unit", "words": "tone mark", "complete": True, "world_ns": 22 * NS},
        {"kind": "spoken", "speaker": "unit", "words": "录制中断。", "complete": True, "world_ns": 23 * NS},
        {"kind": "spoken", "speaker": "甲某", "words": "好", "complete": True, "world_ns": 24 * NS},
    ]
    journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries[:4]) + '{"kind": "no', encoding="utf-8")
    witness.look()
    journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    witness.look()
    assert [line.strip() for line in page.getvalue().splitlines()] == [
        "09:00:09  ● 上电启动 · power is on, the unit starts",
        "09:00:20  ▶ 长按标记键 · hold mark",
        "09:00:21  ✗ 摄像头被拔下 · camera pulled",
        "09:00:23  ◆ 设备 · unit: 录制中断。",
        "09:00:24  ○ 甲某: 好",
    ]
    assert witness.spoken == ["tone mark", "录制中断。"]
    assert witness.progress() == (0, 0.0)


def test_whatever_is_done_to_a_unit_is_told_in_both_languages(tmp_path: Path) -> None:
    world = World(tmp_path / "world", tmp_path / "spool")
    for change in (False, True):
        for plug in (world.plug_camera, world.plug_microphone, world.plug_speaker):
            plug(plugged=change)
        world.cover_camera(covered=not change)
        world.connect_network(up=change)
        world.write_protect_storage(protected=not change)
        world.weaken_supply(weak=not change)
    for frozen in Frozen:
        world.freeze_camera(frozen)
    for dead in Dead:
        world.kill_microphone(dead)
    world.drop_frames(5)
    world.delay_frame(0.08)
    world.lose_samples(480)
    world.stall_storage(5)
    world.fill_storage(10 << 20)
    world.fail_storage("append", errno.EIO)
    world.detune_microphone(200)
    world.exchange_battery(12)
    world.heat_board(85)
    world.step_clock(-90)
    world.close()
    page = io.StringIO()
    Witness(world.directory, Telling("zh", Console(file=page, width=100))).look()
    lines = [line.strip().split("  ", 1)[1] for line in page.getvalue().splitlines()]
    assert [line for line in lines if not re.search("[\u4e00-\u9fff].* · ", line)] == []
    for line in (
        "✗ 时钟被拨动 -90 秒 · clock moved by -90 s",
        "✗ 主板温度 85 °C · board at 85 °C",
        "✗ 存储只剩 10 MiB · medium filled to 10 MiB",
        "✗ 存储下一次 append 将出错 · the medium's next append fails",
        "✓ 摄像头插回 · camera put back",
        "● 换上电量 12% 的电池 · another pack, 12 %",
    ):
        assert line in lines
    known = len(BAD) + len(GOOD)
    assert len({line for line in lines if line[0] in "✗✓"}) == known + 1


def test_english_alone_on_request() -> None:
    page = io.StringIO()
    telling = Telling("en", Console(file=page, width=60))
    telling.done(Both("完成", "done"), "detail", 1.25)
    assert page.getvalue() == "✓ done  detail".ljust(52) + "   1.2 s\n"


@pytest.mark.parametrize(
    ("text", "read_as"),
    [("width=640", ("width", 640)), ("speed=2.5", ("speed", 2.5)), ("buttons=record", ("buttons", "record"))],
)
def test_options_of_the_world(text: str, read_as: tuple[str, object]) -> None:
    assert _option(text) == read_as


@pytest.mark.parametrize("text", ["width", "=3"])
def test_an_option_without_a_value_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write NAME=VALUE"):
        _option(text)


def test_the_command_refuses_a_folder_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    result = CliRunner().invoke(cli.main, ["demo", "--out", str(tmp_path)])
    assert result.exit_code == os.EX_CANTCREAT
    assert f"there is no {MARKER} in it" in result.stderr


def test_the_command_refuses_a_film_before_it_touches_anything(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_text("no film", encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["demo", "--out", str(tmp_path / "out"), "--video", str(film)])
    assert result.exit_code == os.EX_DATAERR
    assert "film.mp4" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_passes_on_why_a_profile_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.main, ["demo", "--out", str(tmp_path / "out"), "--profile", "nowhere"])
    assert result.exit_code == os.EX_UNAVAILABLE
    assert "recorder profile show nowhere" in result.stderr


def test_a_scenario_of_ones_own_is_read_first(tmp_path: Path) -> None:
    scenario = tmp_path / "s.txt"
    scenario.write_text("press the button\n", encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["run", str(scenario), "--out", str(tmp_path / "out")])
    assert result.exit_code == os.EX_DATAERR
    assert "s.txt, line 1" in result.stderr
    assert not (tmp_path / "out").exists()
