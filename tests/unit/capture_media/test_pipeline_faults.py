"""Cameras that jitter, stumble, drop and begin anew."""

import random
from dataclasses import replace

import numpy as np
import pytest

from capture.errors import MediaError, MediaLimitError, MuxError, ParameterSetError
from capture.media.limits import GROUP_FRAMES_MAX, FileLimits
from capture.media.pipeline import MediaPipeline
from capture.media.values import MediaSettings, Numbering
from hal.values import EncodedFrame
from sealing.records import Fragment
from tests.support.media_output import SESSION, Keeper, feed, pipeline_into, play
from tests.support.media_source import SECOND, START_NS, delivered, film, listen, moved


@pytest.mark.requirement("R17", "all")
def test_jittered_frames_keep_their_own_times() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    noise = random.Random(7)
    frames = moved(film(150), lambda index: noise.randint(-12_000_000, 12_000_000) if index else 0)
    feed(pipeline, keeper, list(delivered(frames, listen(5.0))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    played = play(keeper.files)
    assert played.numbers == list(range(150))
    captured = [1 + (frame.captured_boottime_ns - START_NS) / SECOND for frame in frames]
    assert np.allclose(played.video_seconds, captured, atol=1.1 / 90_000)


def test_frames_in_one_tick_are_both_kept_in_order() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    frames = moved(
        film(60), lambda index: -SECOND // 30 + 3_000 if index == 10 else -2 * SECOND // 30 if index == 20 else 0
    )
    frames[20] = replace(frames[20], captured_boottime_ns=frames[19].captured_boottime_ns)
    feed(pipeline, keeper, list(delivered(frames, [])))
    pipeline.end_run("stop")

    keeper.check_numbers()
    played = play(keeper.files)
    assert played.numbers == list(range(60))
    assert np.all(np.diff(played.video_seconds) > 0)


def test_frames_that_go_back_in_time_are_refused_and_counted() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    frames = moved(film(90), lambda index: -SECOND if index == 59 else 0)
    feed(pipeline, keeper, [delivery for frame in frames for delivery in delivered([frame], [])])
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert pipeline.statistics.refused_backward_frames == 1
    assert pipeline.statistics.dropped_frames == 1
    assert play(keeper.files).numbers == [number for number in range(90) if number != 59]
    assert [body.dropped_frames for body in keeper.bodies] == [0, 0, 1]


@pytest.mark.requirement("R13", "all")
def test_dropped_frames_are_counted_in_their_fragment() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    frames = [frame for index, frame in enumerate(film(120)) if index not in {57, 58, 59, 119}]
    feed(pipeline, keeper, list(delivered(frames, [])))
    pipeline.end_run("stop")
    keeper.check_numbers()
    assert [body.dropped_frames for body in keeper.bodies] == [0, 0, 3, 0]
    assert [body.frame_count for body in keeper.bodies] == [30, 27, 30, 29]


def test_frame_delivered_late_stands_at_its_capture_time() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    frames = film(90)
    deliveries = list(delivered(frames, listen(3.0)))
    late = [
        replace(delivery, at_ns=delivery.at_ns + (80_000_000 if delivery.item is frames[45] else 0))
        for delivery in deliveries
    ]
    # A camera delivers in capture order: the frames behind the late one wait for it.
    video = iter(sorted(d.at_ns for d in late if isinstance(d.item, EncodedFrame)))
    ordered = [replace(d, at_ns=next(video)) if isinstance(d.item, EncodedFrame) else d for d in late]
    feed(pipeline, keeper, sorted(ordered, key=lambda delivery: delivery.at_ns))
    pipeline.end_run("stop")
    keeper.check_numbers()
    assert play(keeper.files).video_seconds[45] == pytest.approx(2.5, abs=2 / 90_000)


@pytest.mark.parametrize("size", [(160, 96), (322, 182)])
def test_encoder_restart_begins_a_run_with_its_own_header(size: tuple[int, int]) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, file_seconds=60)
    again = START_NS + 3_200_000_000
    frames = [*film(75), *film(60, size=size, start_ns=again, first_number=75)]
    feed(pipeline, keeper, list(delivered(frames, listen(5.1))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert [file.run.run for file in keeper.files] == [1, 2]
    assert pipeline.statistics.encoder_restarts == 1
    first, second = (play(run) for run in keeper.runs())
    assert first.numbers + second.numbers == list(range(135))
    assert (second.width, second.height) == size
    assert second.video_seconds[0] == pytest.approx(4.2, abs=2 / 90_000)
    assert pipeline.statistics.captured_samples == 5 * 48_000 + 4_800
    facts = [file.facts for file in keeper.files if file.facts is not None]
    filling = sum(fact.audio_priming_samples + fact.audio_padding_samples for fact in facts)
    assert pipeline.numbering.next_sample - filling == pipeline.statistics.captured_samples


def test_restart_is_seen_even_when_its_first_key_frame_is_lost() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    again = film(60, start_ns=START_NS + 2 * SECOND, first_number=30)[1:]
    feed(pipeline, keeper, list(delivered([*film(20), *again], [])))
    pipeline.end_run("stop")
    keeper.check_numbers()
    assert pipeline.statistics.refused_undecodable_frames == 29
    assert [file.run.run for file in keeper.files] == [1, 2]
    assert play(keeper.runs()[1]).numbers == list(range(60, 90))


def test_run_begins_at_a_key_frame() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(60)[10:], [])))
    pipeline.end_run("stop")
    assert pipeline.statistics.refused_undecodable_frames == 20
    assert play(keeper.files).numbers == list(range(30, 60))


def test_stalled_camera_and_dead_microphone_lose_nothing_at_the_end() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(61), listen(1.5))))
    for step in range(50):
        pipeline.tick(START_NS + 2 * SECOND + step * SECOND // 10)
    pipeline.end_run("break")
    keeper.check_numbers()
    assert play(keeper.files).numbers == list(range(61))


def test_key_frame_without_parameter_sets_is_an_error_that_names_the_remedy() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    bare = EncodedFrame(b"\x00\x00\x00\x01\x65" + b"\x88" * 100, START_NS, keyframe=True, sensor_sequence=0)
    with pytest.raises(ParameterSetError, match="repeat both before every key frame"):
        pipeline.video(bare)
    assert pipeline.abandon("break") is None


def test_zero_of_another_boot_is_an_error() -> None:
    pipeline = MediaPipeline(Keeper(), FileLimits(), Numbering(), START_NS, MediaSettings(SESSION))
    pipeline.begin_run()
    with pytest.raises(MediaError, match="give the zero of this boot"):
        pipeline.video(film(1)[0])
    assert pipeline.abandon("break") is None
    assert pipeline.numbering == Numbering()


def test_stream_without_key_frames_is_an_error_and_what_came_out_stays() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    source = film(60)
    endless = [
        replace(
            source[31 + index % 29],
            captured_boottime_ns=START_NS + (60 + index) * SECOND // 30,
            sensor_sequence=60 + index,
        )
        for index in range(GROUP_FRAMES_MAX + 1)
    ]
    with pytest.raises(MediaLimitError, match="one second"):
        feed(pipeline, keeper, list(delivered([*source, *endless], [])))
    facts = pipeline.abandon("break")
    assert facts is not None
    assert facts.next_frame == 30
    pipeline.begin_run()
    again = film(60, start_ns=START_NS + 100 * SECOND)
    feed(pipeline, keeper, list(delivered(again, listen(2.0, start_ns=START_NS + 100 * SECOND))))
    pipeline.end_run("stop")
    keeper.check_numbers()
    assert pipeline.numbering.next_frame == 90


class _Broken(Keeper):
    def fragment(self, body: Fragment, data: bytes) -> None:
        if body.first_frame >= 60:
            raise MuxError("the queue of the writer is full")
        super().fragment(body, data)


def test_error_of_the_output_reaches_the_caller_and_the_run_can_be_abandoned() -> None:
    keeper = _Broken()
    pipeline = pipeline_into(keeper)
    with pytest.raises(MuxError, match="queue of the writer"):
        feed(pipeline, keeper, list(delivered(film(150), listen(5.0))))
    pipeline.abandon("break")
    assert not keeper.open
    assert len(keeper.bodies) == 2


def test_frames_between_runs_are_counted_and_not_recorded() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    frames = film(120)
    feed(pipeline, keeper, list(delivered(frames[:30], [])))
    pipeline.end_run("break")
    feed(pipeline, keeper, list(delivered(frames[30:60], [])))
    pipeline.begin_run()
    feed(pipeline, keeper, list(delivered(frames[60:], [])))
    pipeline.end_run("stop")
    keeper.check_numbers()
    assert pipeline.statistics.idle_frames == 30
    assert pipeline.statistics.dropped_frames == 0
    assert [run[0].run.run for run in keeper.runs()] == [1, 2]
