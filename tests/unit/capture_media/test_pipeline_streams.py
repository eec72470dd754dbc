"""Real pictures and sound through the pipeline and back out of a decoder."""

from fractions import Fraction

import numpy as np
import pytest

from capture.media.limits import FileLimits
from capture.media.pipeline import MediaPipeline
from capture.media.values import MediaSettings, Numbering
from tests.support.media_output import SESSION, Keeper, assert_whole, feed, pipeline_into, play
from tests.support.media_source import START_NS, clicks, delivered, film, listen

NTSC = Fraction(30_000, 1_001)


@pytest.mark.parametrize(
    ("fps", "size"),
    [
        (Fraction(24), (642, 362)),
        (Fraction(25), (322, 182)),
        (NTSC, (160, 96)),
        (Fraction(30), (642, 362)),
        (Fraction(60), (160, 96)),
        (Fraction(10), (162, 98)),
    ],
)
@pytest.mark.requirement("R6", "all")
def test_run_plays_whole_over_file_borders_at_any_rate_and_size(fps: Fraction, size: tuple[int, int]) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, fps, file_seconds=3.1)
    frames = film(round(7 * fps), fps, size)
    feed(pipeline, keeper, list(delivered(frames, listen(7.0, sound=clicks))))
    pipeline.end_run("session-end")

    keeper.check_numbers()
    assert len(keeper.runs()) == 1
    assert len(keeper.files) == 3
    played = play(keeper.files)
    assert_whole(played, list(range(len(frames))), fps)
    assert (
        (played.width, played.height) == size == (keeper.files[0].run.width_pixels, keeper.files[0].run.height_pixels)
    )
    steps = np.diff(played.audio_seconds) * 48_000
    assert np.all(np.abs(steps - 1024) <= 1.01)
    assert keeper.longest_wait_seconds(START_NS) <= 1.3


@pytest.mark.requirement("R13", "all")
def test_full_hd_plays_whole_and_says_its_own_profile() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    frames = film(75, Fraction(30), (1920, 1080))
    feed(pipeline, keeper, list(delivered(frames, listen(2.5))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    played = play(keeper.files)
    assert_whole(played, list(range(75)), Fraction(30))
    assert (played.width, played.height) == (1920, 1080)
    sps = frames[0].data[frames[0].data.index(b"\x67") :]
    avcc = keeper.files[0].header
    at = avcc.index(b"avcC") + 4
    assert avcc[at + 1 : at + 4] == sps[1:4]


@pytest.mark.requirement("R6", "all")
def test_every_captured_sample_is_in_the_track_and_counted() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    blocks = listen(6.0)
    feed(pipeline, keeper, list(delivered(film(180), blocks)))
    pipeline.end_run("stop")

    facts = [file.facts for file in keeper.files if file.facts is not None]
    priming = sum(fact.audio_priming_samples for fact in facts)
    padding = sum(fact.audio_padding_samples for fact in facts)
    assert priming == 1024
    assert pipeline.numbering.next_sample - priming - padding == sum(block.sample_count for block in blocks)
    assert play(keeper.files).samples.size == pipeline.numbering.next_sample


def test_header_is_one_for_all_files_and_edit_lists_move_nothing() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(210), listen(7.0))))
    pipeline.end_run("stop")

    assert len({file.run.init_hash for file in keeper.files}) == 1
    assert [file.run.run_file for file in keeper.files] == [0, 1, 2]
    header = keeper.files[0].header
    assert header.count(b"elst") == 2
    for _ in range(2):
        at = header.index(b"elst") + 4
        assert header[at : at + 16] == bytes.fromhex("00000000 00000001 00000000 00000000")
        header = header[at:]


def test_files_end_at_key_frames_before_they_go_over_the_limit() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, NTSC, file_seconds=4.0)
    feed(pipeline, keeper, list(delivered(film(360, NTSC), listen(12.0))))
    pipeline.end_run("stop")

    lengths = [(file.bodies[-1].last_video_pts - file.bodies[0].first_video_pts) / 90_000 for file in keeper.files]
    assert all(length <= 4.0 for length in lengths)
    assert [file.facts.reason for file in keeper.files[:-1] if file.facts] == ["time"] * (len(keeper.files) - 1)
    assert len(keeper.files) == 4


def test_file_ends_before_it_is_larger_than_the_limit() -> None:
    keeper = Keeper()
    frames = film(300)
    limit = sum(len(frame.data) for frame in frames) // 2
    settings = MediaSettings(SESSION)
    pipeline = MediaPipeline(keeper, FileLimits(seconds=60, bytes=limit), Numbering(), None, settings)
    pipeline.begin_run()
    feed(pipeline, keeper, list(delivered(frames, [])))
    pipeline.end_run("stop")

    sizes = [sum(len(data) for _, data in file.fragments) for file in keeper.files]
    assert len(sizes) >= 2
    assert all(size < limit * 1.2 for size in sizes)
    assert keeper.files[0].facts is not None
    assert keeper.files[0].facts.reason == "full"
    assert play(keeper.files).numbers == list(range(300))


def test_numbers_go_on_from_a_recovered_session() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, numbering=Numbering(next_frame=1_000, next_sample=5_000, run=4))
    feed(pipeline, keeper, list(delivered(film(60), listen(2.0))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert keeper.files[0].run.run == 5
    assert keeper.files[0].run.first_frame == 1_000
    assert keeper.files[0].run.first_sample == 5_000
    assert pipeline.numbering.next_frame == 1_060


def test_second_run_stands_where_it_was_captured_on_the_session_axis() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(60), listen(2.0))))
    first = pipeline.end_run("break")
    later = START_NS + 10_000_000_000
    between = listen(1.0, start_ns=later - 2_000_000_000)
    feed(pipeline, keeper, list(delivered([], between)))
    pipeline.begin_run()
    feed(pipeline, keeper, list(delivered(film(60, start_ns=later), listen(2.4, start_ns=later - 400_000_000))))
    pipeline.end_run("session-end")

    keeper.check_numbers()
    assert first is not None
    assert first.next_frame == 60
    runs = keeper.runs()
    assert len(runs) == 2
    second = play(runs[1])
    assert second.video_seconds[0] == pytest.approx(11.0)
    assert second.audio_seconds[0] == pytest.approx(11.0 - 1024 / 48_000, abs=0.001)
    assert sum(body.dropped_frames for body in keeper.bodies) == 0
    assert pipeline.statistics.early_samples == pytest.approx(48_000 + 0.4 * 48_000, abs=1)


def test_run_that_ends_inside_its_first_group_is_kept() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(7), listen(0.3))))
    facts = pipeline.end_run("stop")

    keeper.check_numbers()
    assert facts is not None
    assert facts.next_frame == 7
    assert play(keeper.files).numbers == list(range(7))


def test_run_without_a_frame_leaves_nothing() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered([], listen(3.0))))
    assert pipeline.end_run("stop") is None
    assert keeper.files == []
    assert pipeline.statistics.early_samples == 3 * 48_000


def test_fragments_before_the_end_of_the_notice_say_so() -> None:
    keeper = Keeper()
    settings = MediaSettings(SESSION, notice_expected=True)
    pipeline = MediaPipeline(keeper, FileLimits(), Numbering(), None, settings)
    pipeline.begin_run()
    deliveries = list(delivered(film(150), []))
    feed(pipeline, keeper, deliveries[:75])
    pipeline.notice_over(START_NS + 2_400_000_000)
    feed(pipeline, keeper, deliveries[75:])
    pipeline.end_run("stop")
    assert [body.before_notice for body in keeper.bodies] == [True, True, True, False, False]


def test_press_is_given_the_frame_that_was_being_taken() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    assert pipeline.frame_at(START_NS) is None
    feed(pipeline, keeper, list(delivered(film(60), [])))
    moment = pipeline.frame_at(START_NS + 1_010_000_000)
    assert moment is not None
    assert moment.number == 30
    assert moment.media_time_ns == 2_000_000_000
    assert pipeline.frame_at(START_NS - 1) is None
    assert pipeline.media_time_ns(START_NS) == 1_000_000_000
    pipeline.end_run("stop")
