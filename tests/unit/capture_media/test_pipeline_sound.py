"""Sound that is late, off, lost, dead, dying or coming."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from hal.values import AudioBlock, EncodedFrame
from tests.support.media_output import Keeper, Played, assert_whole, feed, pipeline_into, play
from tests.support.media_source import SECOND, START_NS, clicks, delivered, film, listen

AV_OFFSET_SECONDS_MAX = 0.04


def click_seconds(played: Played) -> list[float]:
    """When the clicks begin in what a decoder plays."""
    loud = np.flatnonzero(np.abs(played.samples) > 0.3)
    onsets = loud[np.flatnonzero(np.diff(loud, prepend=-48_000) > 24_000)]
    return [float(moment) for moment in played.sample_seconds()[onsets]]


def repeated(seconds: int) -> list[EncodedFrame]:
    """Minutes of film from two seconds of it: the groups stand for themselves."""
    source = film(60)
    return [
        replace(
            source[index % 60],
            captured_boottime_ns=START_NS + index * SECOND // 30,
            sensor_sequence=index,
        )
        for index in range(seconds * 30)
    ]


@pytest.mark.parametrize("ppm", [0.0, 200.0, -200.0])
def test_clicks_stay_with_their_pictures_whatever_the_cards_clock(ppm: float) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, file_seconds=20.0)
    # 240 s at 200 ppm would be 48 ms if samples were merely counted.
    feed(pipeline, keeper, list(delivered(repeated(240), listen(240.0, ppm=ppm, sound=clicks))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    played = play(keeper.files)
    onsets = click_seconds(played)
    pictures = played.video_seconds[::30]
    assert len(onsets) == len(pictures) == 240
    offsets = np.array(onsets) - np.array(pictures)
    assert np.max(np.abs(offsets)) < 0.005 < AV_OFFSET_SECONDS_MAX
    assert np.all(np.abs(np.diff(played.audio_seconds) * 48_000 - 1024) <= 1.01)


@pytest.mark.parametrize("late_seconds", [0.0, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30)])
def test_late_sound_is_with_its_pictures_and_files_end_in_time(late_seconds: float, fps: Fraction) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, fps)
    deliveries = delivered(film(round(8 * fps), fps), listen(8.0, sound=clicks), audio_late_seconds=late_seconds)
    feed(pipeline, keeper, list(deliveries))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert len(keeper.runs()) == 1
    assert [len(file.bodies) for file in keeper.files] == [3, 3, 2]
    played = play(keeper.files)
    assert np.max(np.abs(np.array(click_seconds(played)) - np.array(played.video_seconds[:: round(fps)]))) < 0.005
    assert keeper.longest_wait_seconds(START_NS) <= 1.3


@pytest.mark.parametrize("late_seconds", [0.6, 1.5])
def test_sound_that_is_always_far_too_late_keeps_no_file_open_and_is_accounted_for(late_seconds: float) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    blocks = listen(20.0)
    feed(pipeline, keeper, list(delivered(film(600), blocks, audio_late_seconds=late_seconds)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert max(len(file.bodies) for file in keeper.files) <= 8
    facts = [file.facts for file in keeper.files if file.facts is not None]
    filling = sum(fact.audio_priming_samples + fact.audio_padding_samples for fact in facts)
    given = sum(block.sample_count for block in blocks)
    accounted = pipeline.numbering.next_sample - filling + pipeline.statistics.refused_samples
    assert given <= accounted < given + 2 * 1024
    # Refused is what came too late for the run's last key frame, nothing before it.
    assert pipeline.statistics.refused_samples <= 2.5 * 48_000
    assert [number for run in keeper.runs() for number in play(run).numbers] == list(range(600))


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(24), Fraction(30), Fraction(60)])
def test_dead_microphone_from_the_start_gives_pictures_alone_in_time(fps: Fraction) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, fps)
    frames = film(round(8 * fps), fps)
    feed(pipeline, keeper, list(delivered(frames, [])))
    assert keeper.longest_wait_seconds(START_NS) <= 1.3 + 0.04
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert not any(file.run.has_audio for file in keeper.files)
    assert len(keeper.runs()) == 1
    assert_whole(play(keeper.files), list(range(len(frames))), fps)


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30), Fraction(60)])
def test_microphone_that_dies_ends_its_track_and_no_fragment_is_late(fps: Fraction) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, fps, file_seconds=60)
    frames = film(round(18 * fps), fps)
    blocks = listen(10.0, sound=clicks)
    feed(pipeline, keeper, list(delivered(frames, blocks)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert [file.run.has_audio for file in keeper.files] == [True, False]
    assert [file.facts.reason for file in keeper.files if file.facts] == ["tracks", "stop"]
    waits = np.diff([START_NS, *keeper.arrivals_ns]) / SECOND
    assert waits.max() <= 1.3
    facts = keeper.files[0].facts
    assert facts is not None
    captured = facts.next_sample - facts.audio_priming_samples - facts.audio_padding_samples
    assert captured == sum(block.sample_count for block in blocks)
    assert [number for run in keeper.runs() for number in play(run).numbers] == list(range(len(frames)))


def test_file_that_is_full_while_sound_stalls_waits_for_the_track_to_be_decided() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, file_seconds=11)
    feed(pipeline, keeper, list(delivered(film(18 * 30), listen(10.1))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert [file.run.has_audio for file in keeper.files] == [True, False]
    assert np.diff([START_NS, *keeper.arrivals_ns]).max() / SECOND <= 1.3


def test_sound_that_begins_700_ms_late_is_in_the_first_file_at_its_time() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(150), listen(4.3, start_ns=START_NS + 700_000_000))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert len(keeper.runs()) == 1
    assert play(keeper.files).audio_seconds[1] == pytest.approx(1.7, abs=0.002)
    assert keeper.longest_wait_seconds(START_NS) <= 1.3


def test_microphone_that_comes_back_begins_a_run_and_loses_nothing() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, file_seconds=60)
    blocks = listen(4.0)
    back = listen(3.0, start_ns=START_NS + 9_500_000_000)
    frames = film(12 * 30 + 15)
    feed(pipeline, keeper, list(delivered(frames, blocks + back)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert [file.run.has_audio for file in keeper.files] == [True, False, True]
    assert [file.run.run for file in keeper.files] == [1, 2, 3]
    facts = [file.facts for file in keeper.files if file.facts is not None]
    filling = sum(fact.audio_priming_samples + fact.audio_padding_samples for fact in facts)
    assert pipeline.numbering.next_sample - filling == sum(block.sample_count for block in blocks + back)
    assert play(keeper.runs()[2]).audio_seconds[1] == pytest.approx(10.5, abs=0.002)
    assert [number for run in keeper.runs() for number in play(run).numbers] == list(range(len(frames)))


@pytest.mark.parametrize(("sounding_seconds", "silent_seconds"), [(1.06, 2.0), (1.12, 2.01), (1.12, 2.02)])
def test_sound_that_comes_back_as_its_track_ends_stands_behind_it_and_loses_nothing(
    sounding_seconds: float, silent_seconds: float
) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper, file_seconds=60)
    blocks = listen(sounding_seconds)
    back = listen(1.0, start_ns=START_NS + round((sounding_seconds + silent_seconds) * SECOND))
    feed(pipeline, keeper, list(delivered(film(5 * 30), blocks + back)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    times = [body.first_audio_pts for body in keeper.bodies if body.sample_count]
    assert all(after > before for before, after in pairwise(times))
    facts = [file.facts for file in keeper.files if file.facts is not None]
    filling = sum(fact.audio_priming_samples + fact.audio_padding_samples for fact in facts)
    assert pipeline.numbering.next_sample - filling == sum(block.sample_count for block in blocks + back)


def test_overrun_is_declared_and_what_follows_stands_at_its_time() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    blocks = listen(6.0, sound=clicks)
    kept = [*blocks[:110], replace(blocks[120], lost_samples=10 * 960), *blocks[121:]]
    feed(pipeline, keeper, list(delivered(film(180), kept)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert sum(body.lost_samples for body in keeper.bodies) == 9_600 == pipeline.statistics.lost_samples
    played = play(keeper.files)
    jumps = np.diff(played.audio_seconds) * 48_000 - 1024
    assert np.count_nonzero(jumps > 100) == 1
    onsets = click_seconds(played)
    assert np.max(np.abs(np.array(onsets) - np.array(played.video_seconds[::30]))) < 0.005


def test_device_that_stalls_without_counting_makes_a_declared_jump() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    before, after = listen(2.0), listen(3.0, start_ns=START_NS + 2_900_000_000)
    uncounted = [replace(block, first_sample=block.first_sample + 96_000) for block in after]
    feed(pipeline, keeper, list(delivered(film(177), before + uncounted)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert len(keeper.runs()) == 1
    assert sum(body.lost_samples for body in keeper.bodies) == pytest.approx(0.9 * 48_000, abs=50)
    played = play(keeper.files)
    assert played.audio_seconds[-1] == pytest.approx(6.9 - 1024 / 48_000, abs=0.022)


def test_microphone_restart_counts_from_zero_and_stays_in_its_run() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    before, after = listen(2.0), listen(3.0, start_ns=START_NS + 2_500_000_000)
    feed(pipeline, keeper, list(delivered(film(165), before + after)))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert len(keeper.runs()) == 1
    assert sum(body.lost_samples for body in keeper.bodies) == pytest.approx(24_000, abs=50)


def test_silence_is_sound() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(90), listen(3.0, sound=lambda times: times * 0))))
    pipeline.end_run("stop")
    assert [file.run.has_audio for file in keeper.files] == [True]


@pytest.mark.parametrize("samples", [b"", b"\x00" * 3, b"\x00" * 2 * 48_001])
def test_malformed_block_is_refused_and_counted(samples: bytes) -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    blocks = listen(2.0)
    bad = AudioBlock(samples, 48_000, START_NS + SECOND)
    feed(pipeline, keeper, list(delivered(film(60), [*blocks[:50], bad, *blocks[50:]])))
    pipeline.end_run("stop")
    keeper.check_numbers()
    assert pipeline.statistics.refused_samples == len(samples) // 2
    assert pipeline.statistics.captured_samples == 96_000


def test_sound_without_picture_is_refused_and_counted() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(film(60), listen(20.0))))
    pipeline.end_run("break")
    keeper.check_numbers()
    assert pipeline.statistics.refused_samples == pytest.approx(13 * 48_000, abs=2_048)
