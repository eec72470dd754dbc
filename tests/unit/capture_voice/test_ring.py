"""The microphone's last seconds, found by CLOCK_BOOTTIME whatever the card's clock does."""

from collections.abc import Iterator
from threading import Thread

import numpy as np
import pytest

from capture.voice.ring import RecentSound
from capture.voice.samples import (
    ANALYSIS_RATE_HZ,
    VOICE_RATE_HZ,
    Decimator,
    Samples,
    level_dbfs,
    to_analysis_rate,
    to_s16,
)
from hal.values import AudioBlock

SECOND = 1_000_000_000
BOOT = 7_000 * SECOND


def note(seconds: float, frequency_hz: float, amplitude: float = 0.5) -> Samples:
    time = np.arange(round(seconds * VOICE_RATE_HZ)) / VOICE_RATE_HZ
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * time), dtype=np.float32)


def blocks(samples: Samples, *, size: int = 960, start_ns: int = BOOT, ppm: float = 0.0) -> Iterator[AudioBlock]:
    """Cut sound into the blocks of a card whose clock runs `ppm` fast."""
    for first in range(0, samples.size, size):
        at = start_ns + round(first * SECOND / (VOICE_RATE_HZ * (1 + ppm * 1e-6)))
        yield AudioBlock(to_s16(samples[first : first + size]), first, at)


def click(at_seconds: float, total_seconds: float) -> Samples:
    samples = np.zeros(round(total_seconds * VOICE_RATE_HZ), dtype=np.float32)
    samples[round(at_seconds * VOICE_RATE_HZ)] = 0.9
    return samples


def click_time_ns(recent: RecentSound, start_ns: int, end_ns: int, *, by_clock: bool = False) -> int:
    excerpt = recent.between(start_ns, end_ns, by_clock=by_clock)
    place = int(np.argmax(np.abs(excerpt.samples)))
    return excerpt.started_boottime_ns + place * SECOND // ANALYSIS_RATE_HZ


def test_what_was_heard_is_found_at_its_time() -> None:
    recent = RecentSound(10)
    for block in blocks(click(3.25, 6.0)):
        recent.append(block)
    assert click_time_ns(recent, BOOT + 3 * SECOND, BOOT + 4 * SECOND) == pytest.approx(
        BOOT + 3.25 * SECOND, abs=SECOND / ANALYSIS_RATE_HZ
    )


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_card_200_ppm_off_is_followed(ppm: float) -> None:
    recent, at = RecentSound(30), 55.0
    for block in blocks(click(at, 60.0), ppm=ppm):
        recent.append(block)
    true_ns = BOOT + round(at * SECOND / (1 + ppm * 1e-6))
    assert click_time_ns(recent, true_ns - SECOND // 2, true_ns + SECOND // 2) == pytest.approx(true_ns, abs=200_000)
    from_far = click_time_ns(recent, true_ns - 15 * SECOND, true_ns + SECOND, by_clock=True)
    assert from_far == pytest.approx(true_ns, abs=200_000)


def test_jittered_times_do_not_pull_the_clock_error_about() -> None:
    recent, noise = RecentSound(30), np.random.default_rng(5)
    for block in blocks(click(25.0, 30.0), ppm=150):
        late = round(abs(noise.normal()) * 1_000_000)
        recent.append(AudioBlock(block.samples, block.first_sample, block.captured_boottime_ns + late))
    true_ns = BOOT + round(25.0 * SECOND / (1 + 150e-6))
    assert click_time_ns(recent, true_ns - 15 * SECOND, true_ns + SECOND, by_clock=True) == pytest.approx(
        true_ns, abs=3_000_000
    )


@pytest.mark.parametrize("size", [1, 2, 7, 160, 441, 960, 4801])
def test_blocks_of_any_size_give_the_same_sound(size: int) -> None:
    sound = note(0.5, 700.0) if size > 10 else note(0.02, 700.0)
    decimator = Decimator()
    pieces = [decimator.push(sound[first : first + size]) for first in range(0, sound.size, size)]
    assert np.allclose(np.concatenate(pieces), Decimator().push(sound), atol=1e-6)


def test_speech_passes_and_what_would_fold_back_into_it_does_not() -> None:
    for frequency_hz in (100.0, 1000.0, 4000.0, 6500.0):
        assert level_dbfs(to_analysis_rate(note(1.0, frequency_hz))[2000:-2000]) == pytest.approx(-9.03, abs=0.2)
    for frequency_hz in (9500.0, 12_000.0, 15_000.0, 20_000.0):
        assert level_dbfs(to_analysis_rate(note(1.0, frequency_hz))[2000:-2000]) < -65


def test_a_clip_is_decimated_without_delay() -> None:
    assert int(np.argmax(to_analysis_rate(click(0.3, 1.0)))) == round(0.3 * ANALYSIS_RATE_HZ)


def test_lost_samples_are_silence_and_do_not_shift_what_follows() -> None:
    recent, sound = RecentSound(10), note(4.0, 500.0)
    lost = range(VOICE_RATE_HZ, 2 * VOICE_RATE_HZ)
    overrun = 0
    for block in blocks(sound):
        if block.first_sample in lost:
            overrun += block.sample_count
            continue
        recent.append(AudioBlock(block.samples, block.first_sample, block.captured_boottime_ns, overrun))
        overrun = 0
    gap = recent.between(BOOT + SECOND, BOOT + 2 * SECOND)
    assert level_dbfs(gap.samples[200:-200]) < -100
    assert gap.missing_samples == pytest.approx(ANALYSIS_RATE_HZ, abs=2)
    after = recent.between(BOOT + 2 * SECOND + SECOND // 10, BOOT + 3 * SECOND)
    assert level_dbfs(after.samples) == pytest.approx(-9.03, abs=0.1)
    assert after.missing_samples == 0


def test_a_restarted_device_that_counts_from_zero_is_placed_by_its_time() -> None:
    recent = RecentSound(20)
    for block in blocks(note(2.0, 500.0)):
        recent.append(block)
    for block in blocks(click(1.0, 3.0), start_ns=BOOT + 7 * SECOND):
        recent.append(block)
    assert recent.between(BOOT + 3 * SECOND, BOOT + 6 * SECOND).missing_samples == 3 * ANALYSIS_RATE_HZ
    assert click_time_ns(recent, BOOT + 7 * SECOND, BOOT + 9 * SECOND) == pytest.approx(BOOT + 8 * SECOND, abs=100_000)


def test_a_silence_longer_than_the_memory_costs_no_memory() -> None:
    recent = RecentSound(2)
    recent.append(AudioBlock(to_s16(note(0.02, 500.0)), 0, BOOT))
    hours = 5 * 3600
    for block in blocks(click(0.5, 1.0), start_ns=BOOT + hours * SECOND):
        recent.append(AudioBlock(block.samples, block.first_sample + hours * VOICE_RATE_HZ, block.captured_boottime_ns))
    at = BOOT + hours * SECOND
    assert click_time_ns(recent, at, at + SECOND) == pytest.approx(at + SECOND // 2, abs=100_000)


def test_only_the_last_seconds_are_kept() -> None:
    recent = RecentSound(5)
    for block in blocks(note(20.0, 500.0)):
        recent.append(block)
    assert recent.between(BOOT, BOOT + 10 * SECOND).missing_samples == 5 * ANALYSIS_RATE_HZ
    assert recent.between(BOOT + 16 * SECOND, BOOT + 19 * SECOND).missing_samples == 0
    assert recent.between(BOOT + 19 * SECOND, BOOT + 21 * SECOND).missing_samples == pytest.approx(
        ANALYSIS_RATE_HZ, abs=30
    )


def test_before_the_first_block_there_is_only_silence() -> None:
    recent = RecentSound(5)
    excerpt = recent.between(BOOT, BOOT + SECOND)
    assert (recent.latest_boottime_ns(), excerpt.missing_samples, excerpt.samples.size) == (None, 16_000, 16_000)
    assert not np.any(excerpt.samples)


def test_the_newest_time_is_that_of_the_last_sample() -> None:
    recent = RecentSound(5)
    for block in blocks(note(3.0, 500.0)):
        recent.append(block)
    newest = recent.latest_boottime_ns()
    assert newest == pytest.approx(BOOT + 3 * SECOND, abs=2_000_000)


def test_it_may_be_read_while_it_is_written() -> None:
    recent, clock = RecentSound(2), np.arange(200)
    found: list[int] = []

    def read() -> None:
        found.extend(recent.between(BOOT, BOOT + SECOND).samples.size for _ in clock)

    reader = Thread(target=read)
    reader.start()
    for block in blocks(note(4.0, 500.0)):
        recent.append(block)
    reader.join(60)
    assert found == [ANALYSIS_RATE_HZ] * clock.size
