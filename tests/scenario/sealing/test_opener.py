"""From a real camera's frames through the real media path and writer, and back to films: the back office's side."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

from sealing.errors import UndecryptableError
from sealing.framing import RecordHeader, file_name
from sealing.mp4 import MediaFileError
from sealing.opener import OpenedSession, OpenError, OpenOptions, open_sealed
from sealing.records import Open
from sealing.report import ChainError, NotEvidenceError
from tests.support.chains import agency, start_writer
from tests.support.clocks import ManualClock
from tests.support.filmed import Take, record
from tests.support.forging import records_of, resigned, write
from tests.support.media_source import number_in
from tests.support.recordings import Scene, film, trust


def opened(spool: Path, out: Path) -> OpenedSession:
    (session,) = open_sealed([spool], trust(), [agency().custodian], out)
    return session


def frame_times(path: Path) -> tuple[list[int], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    times = [float(frame.pts * frame.time_base) for frame in frames if frame.pts is not None and frame.time_base]
    return [number_in(frame) for frame in frames], times


def sound_seconds(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        blocks = list(container.decode(container.streams.audio[0]))
    return [float(block.pts * block.time_base) for block in blocks if block.pts is not None and block.time_base]


@pytest.mark.parametrize("fps", [Fraction(30), Fraction(25), Fraction(30_000, 1001)])
def test_every_frame_of_a_run_comes_back_once_over_all_its_files(tmp_path: Path, fps: Fraction) -> None:
    """R6: seven files of a second, one film."""
    record(tmp_path / "sealed", [Take(7 * round(fps))], fps, file_seconds=1.0)
    session = opened(tmp_path / "sealed", tmp_path / "out")
    numbers, times = frame_times(session.runs[0].path)
    assert numbers == list(range(7 * round(fps)))
    assert session.runs[0].frames == len(numbers)
    steps = np.diff(times)
    assert np.allclose(steps, 1 / float(fps), atol=2 / 90_000)


def test_a_part_of_a_recording_opens_as_far_as_it_is_there(tmp_path: Path) -> None:
    """An exported clip: two files out of the middle, all of their frames, and a refusal without the word «part»."""
    record(tmp_path / "sealed", [Take(150)], file_seconds=1.0)
    kept = [file_name(number) for number in (4, 5)]
    for path in (tmp_path / "sealed").iterdir():
        if path.name not in kept:
            path.unlink()
    with pytest.raises(ChainError, match="HEAD_MISSING"):
        opened(tmp_path / "sealed", tmp_path / "whole")
    options = OpenOptions(part=True)
    (session,) = open_sealed([tmp_path / "sealed"], trust(), [agency().custodian], tmp_path / "out", options)
    numbers, _ = frame_times(session.runs[0].path)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) == session.runs[0].frames > 30
    assert numbers[0] > 0


def test_sound_goes_on_over_file_borders(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(150)], file_seconds=1.0)
    path = opened(tmp_path / "sealed", tmp_path / "out").runs[0].path
    steps = np.diff(sound_seconds(path))
    assert np.allclose(steps, 1024 / 48_000, atol=2 / 48_000)


def test_runs_with_other_tracks_still_make_one_session(tmp_path: Path) -> None:
    """The microphone was dead in the second run, and back in the third."""
    record(tmp_path / "sealed", [Take(90), Take(60, sound=False), Take(90, ppm=200)])
    session = opened(tmp_path / "sealed", tmp_path / "out")
    assert [(run.number, run.frames, run.has_audio) for run in session.runs] == [
        (1, 90, True),
        (2, 60, False),
        (3, 90, True),
    ]
    assert session.session_video is not None
    numbers, times = frame_times(session.session_video)
    assert numbers == list(range(240))
    assert np.all(np.diff(times) > 0)
    assert times[-1] - times[0] < 240 / 30 + 0.3
    sound = sound_seconds(session.session_video)
    assert sound[-1] > times[150]


def test_no_sound_at_all_from_the_start(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(60, sound=False), Take(60, sound=False)])
    session = opened(tmp_path / "sealed", tmp_path / "out")
    assert session.session_video is not None
    assert frame_times(session.session_video)[0] == list(range(120))


def test_chapters_name_runs_and_breaks_in_chinese(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(60), Take(60)])
    session = opened(tmp_path / "sealed", tmp_path / "out")
    with av.open(str(session.session_video)) as container:
        chapters = container.chapters()
    titles = [chapter["metadata"]["title"] for chapter in chapters]
    assert titles[0].startswith("第 1 段")
    assert titles[1].startswith("第 2 段")
    assert "中断 1：摄像头故障，20.0秒后" in titles[1]
    assert chapters[0]["end"] == chapters[1]["start"]


def test_films_are_plain_and_begin_with_their_index(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(60)])
    session = opened(tmp_path / "sealed", tmp_path / "out")
    for path in (session.runs[0].path, session.session_video):
        assert path is not None
        data = path.read_bytes()
        assert 0 < data.index(b"moov") < data.index(b"mdat")
        assert b"moof" not in data


def test_words_come_back_with_their_events(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(30)])
    told = json.loads(opened(tmp_path / "sealed", tmp_path / "out").events.read_text("utf-8"))
    checkout = next(event for event in told["events"] if event["type"] == "CHECKOUT")
    assert checkout["words"] == {"officers": ["甲某", "乙某"]}
    assert told["session"]["frames"] == 30


def test_the_escrow_key_opens_as_well(tmp_path: Path) -> None:
    """SF-23."""
    record(tmp_path / "sealed", [Take(30)])
    stranger = x25519.X25519PrivateKey.generate()
    sessions = open_sealed([tmp_path / "sealed"], trust(), [stranger, agency().escrow], tmp_path / "out")
    assert sessions[0].runs[0].frames == 30


@pytest.mark.requirement("R12", "all")
@pytest.mark.requirement("R14", "all")
def test_a_stranger_opens_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """SF-22, SF-24."""
    record(tmp_path / "sealed", [Take(30)])
    out = tmp_path / "out"
    with pytest.raises(UndecryptableError, match="not sealed to the key"):
        open_sealed([tmp_path / "sealed"], trust(), [x25519.X25519PrivateKey.generate()], out)
    assert list(out.iterdir()) == []


def test_nothing_is_overwritten_unless_it_is_said(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(30)])
    session = opened(tmp_path / "sealed", tmp_path / "out")
    session.events.write_text("mine")
    with pytest.raises(OpenError, match="is there already"):
        opened(tmp_path / "sealed", tmp_path / "out")
    assert session.events.read_text() == "mine"
    keys = [agency().custodian]
    open_sealed([tmp_path / "sealed"], trust(), keys, tmp_path / "out", OpenOptions(overwrite=True))
    assert json.loads(session.events.read_text("utf-8"))["version"] == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["session-0001"]


def test_a_chain_that_is_not_intact_is_not_opened(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(60)], file_seconds=1.0)
    path = tmp_path / "sealed" / file_name(4)
    data = bytearray(path.read_bytes())
    data[-2_000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ChainError):
        opened(tmp_path / "sealed", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_evidence_can_be_required(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(30)])
    options = OpenOptions(require_evidence=True)
    with pytest.raises(NotEvidenceError):
        open_sealed([tmp_path / "sealed"], trust(), [agency().custodian], tmp_path / "out", options)


def test_fragments_that_are_no_film_are_said_to_be_so(tmp_path: Path) -> None:
    film(tmp_path / "sealed", 1, 200)
    with pytest.raises(MediaFileError, match="header is not the one"):
        opened(tmp_path / "sealed", tmp_path / "out")


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    record(tmp_path / "sealed", [Take(60)], file_seconds=1.0)
    told: list[tuple[int, int]] = []
    open_sealed(
        [tmp_path / "sealed"],
        trust(),
        [agency().custodian],
        tmp_path / "out",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.requirement("R12", "all")
def test_a_unit_that_commits_to_another_key_is_found_out(tmp_path: Path) -> None:
    """SF-22, row 40 of the catalogue: the chain is intact, and still does not open."""
    clock = ManualClock()
    scene = Scene(start_writer(tmp_path / "sealed", clock), clock)
    key = scene.writer._output._sealer._epoch._key
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    scene.press()
    scene.begin_run()
    scene.record(1)
    scene.finish()
    scene.writer.halt("stop")

    def lie(header: RecordHeader) -> RecordHeader:
        if isinstance(header.body, Open) and header.body.file_number == 3:
            return replace(header, body=replace(header.body, commitment=bytes(32)))
        return header

    previous = None
    for path in sorted((tmp_path / "sealed").iterdir()):
        found = resigned(records_of(path), key, lie, previous)
        write(path, found)
        previous = found[-1].hash
    with pytest.raises(UndecryptableError, match="file 3: the wrapped key is not the one"):
        opened(tmp_path / "sealed", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
